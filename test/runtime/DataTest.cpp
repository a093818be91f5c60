#include "TestTools.h"
#include "runtime/data/DataSet.h"
#include "runtime/data/Permutation.h"
#include "runtime/data/Rows.h"
#include "runtime/data/ShardFile.h"
#include "runtime/data/TextFiles.h"

#include <cstring>
#include <fcntl.h>
#include <map>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

using namespace nc;
using namespace nc::test;

namespace {

std::vector<int32_t> numbers(int64_t count, int32_t modulus = 1 << 30) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i)
    tokens.push_back(int32_t(i % modulus));
  return tokens;
}

TokenStream counting(int64_t count) { return TokenStream(numbers(count)); }

std::vector<int32_t> tokensOf(const TokenStream &stream) {
  std::vector<int32_t> tokens(stream.size());
  stream.copy(0, stream.size(), tokens.data());
  return tokens;
}

DataSet openText(const TemporaryFolder &folder, int64_t vocab = 257) {
  return openDataSet(folder.path(""), {{"rs"}, Vocabulary::ofBytes(vocab), vocab});
}

} // namespace

TEST(TokenStream, is_one_row_over_all_its_parts) {
  TemporaryFolder folder;
  ShardInfo narrow, wide;
  narrow.vocab = 1 << 16;
  wide.vocab = 1 << 17;
  writeShard(folder.path("narrow"), {60000, 7}, narrow);
  writeShard(folder.path("wide"), {100000}, wide);
  TokenStream stream = counting(10);
  readShard(folder.path("narrow"), narrow.vocab, stream);
  readShard(folder.path("wide"), wide.vocab, stream);
  stream.append(counting(0));
  stream.append(counting(3));
  EXPECT_EQ(tokensOf(stream), (std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 60000, 7, 100000, 0, 1, 2}));
  int32_t middle[5];
  stream.copy(9, 5, middle);
  EXPECT_EQ(std::vector<int32_t>(middle, middle + 5), (std::vector<int32_t>{9, 60000, 7, 100000, 0}));
}

TEST(TokenFile, what_is_changed_under_a_reader_is_an_error) {
  TemporaryFolder folder;
  for (int64_t vocab : {1 << 16, 1 << 17}) {
    std::string path = folder.path("s.bin");
    ShardInfo info;
    info.vocab = vocab;
    writeShard(path, numbers(100, 50), info);
    int width = vocab > 1 << 16 ? 4 : 2;
    auto errorAfter = [&](auto change) {
      writeShard(path, numbers(100, 50), info); // another file of that name
      TokenStream stream;
      readShard(path, 50, stream);
      usleep(20'000); // clocks of file systems are coarse
      change();
      int32_t row[10];
      return errorOf([&] { stream.copy(90, 10, row); });
    };
    auto write = [&](int64_t token, int32_t value) {
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(1024 + token * width).write(reinterpret_cast<char *>(&value), width);
    };
    EXPECT_EQ(errorAfter([] {}), "");
    EXPECT_EQ(errorAfter([&] { write(7, 7); }), "") << "the same bytes are the same data";
    expectContains(errorAfter([&] { write(95, 50); }), "s.bin' was changed while it was in use");
    expectContains(errorAfter([&] { write(7, 8); }), "s.bin' was changed while it was in use");
    expectContains(errorAfter([&] { std::filesystem::resize_file(path, 1050); }),
                   "s.bin' was cut short while it was in use");
    EXPECT_EQ(errorAfter([&] { std::filesystem::remove(path); }), "");
  }
}

TEST(TokenFile, a_token_that_was_not_there_never_passes_whatever_the_times_say) {
  TemporaryFolder folder;
  std::string path = folder.path("s.bin");
  ShardInfo info;
  info.vocab = 300;
  writeShard(path, numbers(100, 50), info);
  TokenStream stream;
  readShard(path, 300, stream);
  auto time = std::filesystem::last_write_time(path);
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(1024).write("\xff\xff", 2);
  std::filesystem::last_write_time(path, time);
  int32_t row[10];
  expectContains(errorOf([&] { stream.copy(0, 10, row); }), "was changed while it was in use");
}

TEST(TextFiles, come_in_the_order_of_their_names) {
  TemporaryFolder folder;
  for (const char *name : {"b.rs", "a/z.rs", "a/skip.txt", "c.md"})
    folder.write(name, name);
  std::vector<std::string> names;
  for (const TextFile &text : listText({folder.path(""), {"rs", "md"}}))
    names.push_back(text.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a/z.rs", "b.rs", "c.md"}));
}

TEST(TextFiles, the_split_depends_on_names_only_and_is_never_empty) {
  TemporaryFolder first, second, small;
  for (int i = 0; i < 200; ++i)
    for (const auto *folder : {&first, &second})
      folder->write(format("d%d/f%d.rs", i % 7, i), format("file %d", i));
  std::vector<TextFile> one = listText({first.path(""), {"rs"}}), two = listText({second.path(""), {"rs"}});
  int chosen = 0;
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].isValidation, two[i].isValidation);
    chosen += one[i].isValidation;
  }
  EXPECT_EQ(one.size(), 200u);
  EXPECT_GT(chosen, 2);
  EXPECT_LT(chosen, 25);

  small.write("a.rs", "aaa");
  small.write("b.rs", "bbb");
  std::vector<TextFile> few = listText({small.path(""), {"rs"}});
  EXPECT_NE(few[0].isValidation, few[1].isValidation);
}

TEST(TextFiles, a_single_file_is_cut_at_a_line) {
  TemporaryFolder folder;
  std::string path = folder.write("a.rs", std::string(94, 'x') + "yy\nlast");
  std::vector<TextFile> texts = listText({path, {}});
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_EQ(texts[0].end, 97);
  EXPECT_EQ(texts[1].begin, 97);
  EXPECT_EQ(texts[1].end, 101);
  EXPECT_TRUE(texts[1].isValidation);
}

TEST(TextFiles, a_single_file_of_long_lines_gives_a_twentieth) {
  TemporaryFolder folder;
  auto cutOf = [&](const std::string &text) { return listText({folder.write("a.rs", text), {}})[1].begin; };
  std::string line(100'000, 'x');
  EXPECT_EQ(cutOf(line + "\nend\n"), 95'005) << "no line begins near";
  EXPECT_EQ(cutOf(line), 95'000);
  EXPECT_EQ(cutOf(std::string(94'000, 'x') + "\n" + std::string(6'000, 'y')), 94'001)
      << "the line before is near, none follows";
  std::string characters;
  while (characters.size() < 100'000)
    characters += "\u20ac";
  EXPECT_EQ(cutOf(characters) % 3, 0) << "characters stay whole";
  EXPECT_EQ(cutOf(std::string(100'000, '\x80')), 95'004) << "what is no UTF-8 is cut anywhere";
  for (size_t size : {0, 1, 19, 20, 39, 40, 100})
    EXPECT_EQ(cutOf(line.substr(0, size)), int64_t(size - size / 20));
}

TEST(TextFiles, what_cannot_be_read_is_passed_over_with_a_warning) {
  TemporaryFolder folder;
  folder.write("a.rs", "a");
  folder.write("b.rs/\xff.rs", "b"); // a folder with a file's name, a name that is no UTF-8
  auto listed = [&] {
    testing::internal::CaptureStderr();
    std::string names;
    for (const TextFile &text : listText({folder.path(""), {"rs"}}))
      names += text.name + " ";
    return names + "| " + testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(listed(), "a.rs b.rs/\xff.rs | ");
  std::filesystem::create_symlink("loop.rs", folder.path("loop.rs"));
  expectContains(listed(), "a.rs b.rs/\xff.rs | warning: passed over '" + folder.path("loop.rs") +
                               "': Too many levels of symbolic links\n");
  std::filesystem::create_symlink("none", folder.path("dangling.rs"));
  std::filesystem::create_symlink("none", folder.path("dangling.txt"));
  mkfifo(folder.path("b.rs/pipe.rs").c_str(), 0666);
  expectContains(listed(), "a.rs b.rs/\xff.rs | warning: passed over 3 entries of '");
  expectContains(errorOf([&] { listText({folder.path("loop.rs"), {"rs"}}); }),
                 "cannot read '" + folder.path("loop.rs") + "': Too many levels");
  expectContains(errorOf([&] { listText({folder.path("b.rs/pipe.rs"), {}}); }), "is not a regular file");
}

TEST(TextFiles, a_text_cut_short_since_it_was_listed_is_an_error) {
  TemporaryFolder folder;
  std::string path = folder.write("a.rs", std::string(1000, 'x'));
  std::vector<TextFile> texts = listText({path, {}});
  EXPECT_EQ(texts[1].read().bytes(), std::string(50, 'x'));
  std::filesystem::resize_file(path, 960);
  expectContains(errorOf([&] { texts[1].read(); }), "a.rs' was cut short while it was in use");
}

TEST(DataSet, texts_are_bytes_after_a_token_that_begins_them) {
  TemporaryFolder folder;
  folder.write("b.rs", "B");
  folder.write("a/z.rs", "Z\xc3");
  DataSet data = openText(folder);
  EXPECT_EQ(data.train.size() + data.validation.size(), 5);
  TokenStream all = data.train;
  all.append(data.validation);
  std::vector<int32_t> tokens = tokensOf(all);
  EXPECT_EQ(std::set<int32_t>(tokens.begin(), tokens.end()), (std::set<int32_t>{256, 'Z', 0xc3, 'B'}));
  EXPECT_EQ(openText(folder, 256).train.size() + openText(folder, 256).validation.size(), 3);
  std::string message = errorOf([&] { openText(folder, 128); });
  expectContains(message, "z.rs': byte 195 at offset 1");
  expectContains(message, "128");
}

TEST(ShardFile, round_trips_in_two_and_four_bytes) {
  TemporaryFolder folder;
  for (int64_t vocab : {1 << 16, 1 << 17}) {
    std::string path = folder.path("s.bin");
    ShardInfo info;
    info.vocab = vocab;
    info.documents = 3;
    info.textBytes = int64_t(5) << 33;
    info.tokenizerHash = 0xfedcba9876543210u;
    std::vector<int32_t> tokens = numbers(1000, int32_t(vocab));
    tokens.push_back(int32_t(vocab - 1));
    writeShard(path, tokens, info);
    EXPECT_EQ(std::filesystem::file_size(path), 1024 + tokens.size() * (vocab > 1 << 16 ? 4 : 2));
    TokenStream stream;
    ShardInfo read = readShard(path, vocab, stream);
    EXPECT_EQ(tokensOf(stream), tokens);
    EXPECT_TRUE(read.isOurs);
    EXPECT_EQ(read.vocab, vocab);
    EXPECT_EQ(read.documents, 3);
    EXPECT_EQ(read.textBytes, int64_t(5) << 33);
    EXPECT_EQ(read.tokenizerHash, 0xfedcba9876543210u);
    expectContains(errorOf([&] { readShard(path, vocab - 1, stream); }),
                   format("has token %lld, the model has", static_cast<long long>(vocab - 1)));
  }
}

TEST(ShardFile, reads_files_of_llm_c) {
  TemporaryFolder folder;
  int32_t header[256] = {20240520, 1, 3};
  uint16_t tokens[3] = {50256, 1, 2};
  std::string content(reinterpret_cast<char *>(header), sizeof(header));
  content.append(reinterpret_cast<char *>(tokens), sizeof(tokens));
  folder.write("tiny_val.bin", content);
  folder.write("tiny_train.bin", content);
  DataSet data = openDataSet(folder.path(""), {{"rs"}, Vocabulary::ofBytes(50257), 50257});
  EXPECT_EQ(tokensOf(data.train), (std::vector<int32_t>{50256, 1, 2}));
  EXPECT_EQ(data.validation.size(), 3);
  EXPECT_TRUE(data.vocabulary.isUnknown());
}

TEST(DataSet, token_files_are_told_by_their_content) {
  TemporaryFolder folder;
  auto open = [&](const std::string &path) {
    testing::internal::CaptureStderr();
    std::string words = errorOf([&] {
      DataSet data = openDataSet(folder.path(path), {{"rs"}, Vocabulary::ofBytes(257), 257});
      fprintf(stderr, "%s %lld", data.isText ? "text" : "tokens",
              static_cast<long long>(data.train.size() + data.validation.size()));
    });
    return words + testing::internal::GetCapturedStderr();
  };
  ShardInfo info;
  info.vocab = 257;
  folder.write("texts/a.rs", "aaa");
  folder.write("texts/b.rs", "bbb");
  folder.write("texts/manifest.json", "{\"name\": \"a browser extension\"}");
  EXPECT_EQ(open("texts"), "text 8") << "another program's manifest.json says nothing";
  folder.write("texts/model.bin", "GGUF");
  expectContains(open("texts"), "has .bin files that are no token files: they are passed over\ntext 8");
  expectContains(open("texts/model.bin"), "model.bin' is no token file");
  writeShard(folder.path("texts/t.bin"), numbers(10), info);
  expectContains(open("texts"), "model.bin' is no token file");
  std::filesystem::remove(folder.path("texts/model.bin"));
  expectContains(open("texts"), "has token files and texts: only the token files are read\ntokens 10");
  writeShard(folder.path("tokens"), numbers(10), info);
  EXPECT_EQ(open("tokens"), "tokens 10");
}

TEST(DataSet, a_part_val_of_a_name_is_for_validation) {
  TemporaryFolder folder;
  ShardInfo info;
  info.vocab = 257;
  const std::pair<const char *, bool> names[] = {{"retrieval_000000.bin", false},
                                                 {"modern_000000.bin", false},
                                                 {"eval.bin", false},
                                                 {"values-1.bin", false},
                                                 {"validate.bin", false},
                                                 {"val.bin", true},
                                                 {"val-00000.bin", true},
                                                 {"fineweb_val_000000.bin", true},
                                                 {"TinyStories_val.bin", true},
                                                 {"Valid.bin", true},
                                                 {"x.validation.bin", true}};
  for (auto [name, isValidation] : names) {
    writeShard(folder.path(name), numbers(10), info);
    DataSet data = openDataSet(folder.path(name), {{"rs"}, Vocabulary::ofBytes(257), 257});
    EXPECT_EQ(data.validation.size() > 0, isValidation) << name;
  }
}

TEST(DataSet, token_files_of_two_tokenizers_do_not_mix) {
  TemporaryFolder folder;
  for (uint64_t tokenizer : {1, 2}) {
    ShardInfo info;
    info.vocab = 257;
    info.tokenizerHash = tokenizer;
    writeShard(folder.path(format("%d.bin", int(tokenizer))), numbers(10), info);
  }
  expectContains(errorOf([&] { openText(folder); }),
                 "2.bin' was made with another tokenizer than the token files before it");
}

TEST(ShardFile, what_is_wrong_with_a_file_is_said) {
  TemporaryFolder folder;
  std::string path = folder.path("s.bin");
  ShardInfo info;
  info.vocab = 300;
  writeShard(path, numbers(100), info);
  std::string good = readFile(path);
  auto errorOfContent = [&](std::string content) {
    folder.write("s.bin", content);
    TokenStream stream;
    return errorOf([&] { readShard(path, 300, stream); });
  };
  EXPECT_EQ(errorOfContent(good), "");
  expectContains(errorOfContent(""), "is no token file: it has 0 bytes");
  expectContains(errorOfContent(std::string(2000, 'x')), "is no token file: magic");
  expectContains(errorOfContent(good.substr(0, good.size() - 2)), "its header says 100 tokens, the file has 99");
  expectContains(errorOfContent(good + "x"), "is truncated or damaged");
  std::string changed = good;
  changed[1100] ^= 1;
  expectContains(errorOfContent(changed), "was changed");
}

TEST(Permutation, is_one_for_every_count_and_another_in_each_epoch) {
  for (uint64_t count : {1, 2, 3, 17, 64, 1000}) {
    std::set<uint64_t> places;
    int fixed = 0;
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t place = Permutation(count, 1, 2, 3)(i);
      EXPECT_LT(place, count);
      places.insert(place);
      fixed += place == Permutation(count, 1, 2, 4)(i);
    }
    EXPECT_EQ(places.size(), count);
    if (count == 1000) {
      EXPECT_LT(fixed, 10);
    }
  }
}

TEST(ShuffledWindows, meet_every_window_once_per_epoch) {
  TokenStream stream = counting(1000);
  ShuffledWindows rows(stream, 5, 16, "test"), again(stream, 5, 16, "test"), other(stream, 6, 16, "test");
  ASSERT_EQ(rows.rowsPerEpoch(), 61);
  std::set<int64_t> offsets;
  int same = 0;
  for (int64_t epoch = 0; epoch < 5; ++epoch) {
    std::set<int64_t> windows;
    for (int64_t i = 60; i >= 0; --i) {
      int64_t index = epoch * 61 + i, start = rows.start(index);
      windows.insert(start / 16);
      offsets.insert(start % 16);
      same += start == other.start(index);
      EXPECT_EQ(start, again.start(index));
      int32_t tokens[17];
      rows.fill(index, tokens, 16);
      for (int k = 0; k < 17; ++k)
        ASSERT_EQ(tokens[k], start + k);
    }
    EXPECT_EQ(windows.size(), 61u);
  }
  EXPECT_GT(offsets.size(), 2u);
  EXPECT_LT(same, 15);
}

TEST(ShuffledWindows, of_two_sources_come_in_two_orders) {
  ShuffledWindows first(counting(1000), 5, 16, "test"), second(counting(1000), 5, 16, "test", 1);
  int64_t equal = 0;
  for (int64_t row = 0; row < 61; ++row)
    equal += first.start(row) / 16 == second.start(row) / 16;
  EXPECT_LT(equal, 10);
}

TEST(ShuffledWindows, stay_inside_the_shortest_streams_and_refuse_shorter) {
  for (int64_t size = 17; size < 70; ++size) {
    ShuffledWindows rows(counting(size), 3, 16, "test");
    for (int64_t index = 0; index < 50; ++index) {
      EXPECT_GE(rows.start(index), 0);
      EXPECT_LE(rows.start(index) + 17, size);
    }
  }
  expectContains(errorOf([] { ShuffledWindows(counting(16), 0, 16, "training"); }),
                 "the training data has 16 tokens, one row needs 17");
}

TEST(SpacedWindows, cover_a_stream_from_first_to_last) {
  SpacedWindows windows(counting(100), 4, 9, "test");
  int32_t tokens[10];
  windows.fill(0, tokens, 9);
  EXPECT_EQ(tokens[0], 0);
  windows.fill(3, tokens, 9);
  EXPECT_EQ(tokens[9], 99);
}

TEST(MixedRows, keep_their_shares_and_meet_every_row_of_each_source_once) {
  auto source = [] { return std::make_unique<ShuffledWindows>(counting(1000), 5, 16, "test"); };
  std::vector<MixedRows::Part> parts;
  for (double weight : {5.0, 3.0, 1.5, 0.5})
    parts.push_back({source(), weight});
  MixedRows rows(std::move(parts), 7);
  std::map<size_t, std::set<int64_t>> met;
  size_t early[4] = {};
  for (int64_t index = 0; index < 20000; ++index) {
    auto [part, row] = rows.locate(index);
    met[part].insert(row);
    early[part] += index < 1000;
  }
  const size_t expected[] = {10000, 6000, 3000, 1000};
  for (size_t part = 0; part < 4; ++part) {
    EXPECT_EQ(met[part].size(), expected[part]);
    EXPECT_EQ(*met[part].rbegin(), int64_t(expected[part]) - 1);
    EXPECT_NEAR(double(early[part]), expected[part] / 20.0, 60);
  }
}

TEST(MixedRows, shares_that_cannot_be_added_are_refused) {
  EXPECT_EQ(MixedRows::shareOut({1, 1e-9, 1}), (std::vector<int64_t>{5000, 5000, 10000}));
  expectContains(errorOf([] { MixedRows::shareOut({1e308, 1e308}); }), "too large to add");
}

TEST(CopyRows, repeat_their_first_half) {
  CopyRows rows(1, 300, "test"), others(1, 300, "other");
  int32_t row[17], next[17], other[17];
  rows.fill(12, row, 16);
  rows.fill(13, next, 16);
  others.fill(12, other, 16);
  std::set<int32_t> distinct(row, row + 8);
  EXPECT_GT(distinct.size(), 3u);
  for (int i = 0; i < 17; ++i) {
    EXPECT_EQ(row[i], row[i % 8]);
    EXPECT_LT(row[i], 256);
  }
  EXPECT_FALSE(std::equal(row, row + 8, next));
  EXPECT_FALSE(std::equal(row, row + 8, other));
}
