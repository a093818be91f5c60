// SPDX-License-Identifier: Apache-2.0
#include "TestTools.h"
#include "runtime/Batches.h"

#include <set>

using namespace nc;
using namespace nc::test;

namespace {

TokenStream counting(int64_t count) {
  TokenStream stream;
  for (int64_t i = 0; i < count; ++i)
    stream.push_back(i % 251);
  return stream;
}

} // namespace

TEST(Corpus, files_come_in_path_order_each_after_a_begin_token) {
  TemporaryFolder folder;
  folder.write("b.rs", "B");
  folder.write("a/z.rs", "Z");
  folder.write("a/skip.txt", "T");
  folder.write("c.md", "C");
  CorpusOptions options{folder.path(""), {"rs"}, 257};
  EXPECT_EQ(readTokens(options), (TokenStream{256, 'Z', 256, 'B'}));
  options.extensions = {"rs", "md"};
  EXPECT_EQ(readTokens(options), (TokenStream{256, 'Z', 256, 'B', 256, 'C'}));
  options.vocab = 256;
  EXPECT_EQ(readTokens(options), (TokenStream{'Z', 'B', 'C'}));
}

TEST(Corpus, a_byte_beyond_the_vocabulary_is_named) {
  TemporaryFolder folder;
  std::string path = folder.write("a.rs", "ab\xc3\xa9");
  std::string message = errorOf([&] { readTokens({path, {"rs"}, 128}); });
  expectContains(message, "a.rs': byte 195 at offset 2");
  expectContains(message, "128");
}

TEST(Corpus, the_split_depends_on_relative_paths_only_and_is_never_empty) {
  TemporaryFolder first, second;
  for (int i = 0; i < 200; ++i)
    for (const auto *folder : {&first, &second})
      folder->write(format("d%d/f%d.rs", i % 7, i), format("file %d", i));
  Corpus one = readSplitCorpus({first.path(""), {"rs"}, 257});
  Corpus two = readSplitCorpus({second.path(""), {"rs"}, 257});
  EXPECT_EQ(one.validation, two.validation);
  EXPECT_EQ(one.train, two.train);
  EXPECT_EQ(one.trainFiles + one.validationFiles, 200);
  EXPECT_GT(one.validationFiles, 2);
  EXPECT_LT(one.validationFiles, 25);

  TemporaryFolder small;
  small.write("a.rs", "aaa");
  small.write("b.rs", "bbb");
  Corpus corpus = readSplitCorpus({small.path(""), {"rs"}, 257});
  EXPECT_EQ(corpus.validationFiles, 1);
  EXPECT_EQ(corpus.trainFiles, 1);
}

TEST(RandomWindows, are_addressed_by_seed_step_and_row) {
  TokenStream stream = counting(1000);
  RandomWindows one(stream, 5, 16, "test"), again(stream, 5, 16, "test"),
      other(stream, 6, 16, "test");
  std::set<int64_t> starts;
  int same = 0;
  for (int64_t step = 99; step >= 0; --step)
    for (int64_t row = 0; row < 4; ++row) {
      int64_t start = one.start(step, row);
      starts.insert(start);
      same += start == other.start(step, row);
      EXPECT_EQ(start, again.start(step, row));
      int32_t tokens[17];
      one.fill(step, row, tokens, 16);
      for (int i = 0; i < 17; ++i)
        ASSERT_EQ(tokens[i], stream[start + i]);
    }
  EXPECT_GT(starts.size(), 280u);
  EXPECT_LT(same, 10);
}

TEST(RandomWindows, reach_the_last_window_and_refuse_a_short_stream) {
  TokenStream stream = counting(18);
  RandomWindows windows(stream, 0, 16, "test");
  std::set<int64_t> starts;
  for (int64_t step = 0; step < 50; ++step)
    starts.insert(windows.start(step, 0));
  EXPECT_EQ(starts, (std::set<int64_t>{0, 1}));
  expectContains(errorOf([&] { RandomWindows(stream, 0, 18, "training"); }),
                 "the training data has 18 tokens, one row needs 19");
}

TEST(SpacedWindows, cover_a_stream_from_first_to_last) {
  TokenStream stream = counting(100);
  SpacedWindows windows(stream, 2, 2, 9, "test");
  int32_t tokens[10];
  windows.fill(0, 0, tokens, 9);
  EXPECT_EQ(tokens[0], 0);
  windows.fill(1, 1, tokens, 9);
  EXPECT_EQ(tokens[9], 99);
}

TEST(CopyRows, repeat_their_first_half) {
  CopyRows rows(1, 300, "test"), others(1, 300, "other");
  int32_t row[17], next[17], other[17];
  rows.fill(3, 0, row, 16);
  rows.fill(3, 1, next, 16);
  others.fill(3, 0, other, 16);
  std::set<int32_t> distinct(row, row + 8);
  EXPECT_GT(distinct.size(), 3u);
  for (int i = 0; i < 17; ++i) {
    EXPECT_EQ(row[i], row[i % 8]);
    EXPECT_LT(row[i], 256);
  }
  EXPECT_FALSE(std::equal(row, row + 8, next));
  EXPECT_FALSE(std::equal(row, row + 8, other));
}
