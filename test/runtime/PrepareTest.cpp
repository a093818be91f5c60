#include "runtime/data/Prepare.h"
#include "TestTools.h"
#include "runtime/data/DataSet.h"
#include "runtime/data/NewFolder.h"
#include "runtime/tokenizer/BpeTrainer.h"

#include <unistd.h>

using namespace nc;
using namespace nc::test;

namespace {

std::string lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += format("fn f%d() { %d }\n", i, i * i);
  return text;
}

PrepareOptions optionsFor(const TemporaryFolder &folder, const std::string &output) {
  PrepareOptions options;
  options.sources = {folder.write("text.rs", lines(200))};
  options.output = folder.path(output);
  options.vocab = 300;
  return options;
}

DataSet open(const std::string &path) { return openDataSet(path, {{"rs"}, Vocabulary::ofBytes(300), 300}); }

int filesIn(const TemporaryFolder &folder) {
  std::filesystem::directory_iterator entries(folder.path(""));
  return int(std::distance(begin(entries), end(entries)));
}

} // namespace

TEST(Prepare, slashes_at_the_end_mean_nothing) {
  for (const char *output : {"out", "out/", "out//", "out/./", "new/out/."}) {
    TemporaryFolder folder;
    Manifest manifest = prepareData(optionsFor(folder, output));
    DataSet data = open(folder.path(output));
    EXPECT_EQ(data.train.size(), manifest.train.tokens) << output;
    EXPECT_EQ(filesIn(folder), 2) << "text.rs and the folder";
  }
}

TEST(Prepare, where_nothing_can_be_made_is_said_before_any_work) {
  TemporaryFolder folder;
  PrepareOptions options = optionsFor(folder, "text.rs/out");
  options.sources = {"/none"}; // is never looked at
  expectContains(errorOf([&] { prepareData(options); }), "cannot make a folder in '");
  options.output = folder.path("text.rs");
  expectContains(errorOf([&] { prepareData(options); }), "is there already");
  std::filesystem::create_symlink("none", folder.path("dangling"));
  options.output = folder.path("dangling/");
  expectContains(errorOf([&] { prepareData(options); }), "is there already");
  options.output = "";
  expectContains(errorOf([&] { prepareData(options); }), "the name of a new folder");
}

TEST(Prepare, what_fails_leaves_nothing) {
  TemporaryFolder folder;
  PrepareOptions options = optionsFor(folder, "out");
  options.tokenizer = folder.write("t.json", "{}");
  expectContains(errorOf([&] { prepareData(options); }), "is not a tokenizer.json");
  EXPECT_EQ(filesIn(folder), 2);
}

TEST(NewFolder, the_next_removes_what_dead_processes_left) {
  TemporaryFolder folder;
  int dead = atoi(runProcess("echo $$").output.c_str());
  folder.write(format(".out.%d/train-00000.bin", dead), "x");
  folder.write(format(".out.%d/train-00000.bin", int(getppid())), "x");
  folder.write(format(".other.%d/train-00000.bin", dead), "x");
  NewFolder made(folder.path("out"), "--output");
  EXPECT_EQ(filesIn(folder), 2);
}

TEST(Prepare, long_texts_go_on_in_the_next_file) {
  TemporaryFolder folder;
  PrepareOptions options = optionsFor(folder, "one");
  prepareData(options);
  options.output = folder.path("many");
  options.shardTokens = 100;
  Manifest manifest = prepareData(options);
  EXPECT_GT(manifest.train.shards.size(), 3u);
  for (const Manifest::Shard &shard : manifest.train.shards)
    EXPECT_LE(shard.tokens, 100);
  DataSet one = open(folder.path("one")), many = open(folder.path("many"));
  std::vector<int32_t> first(one.train.size()), second(many.train.size());
  one.train.copy(0, one.train.size(), first.data());
  many.train.copy(0, many.train.size(), second.data());
  EXPECT_EQ(first, second);
  EXPECT_EQ(manifest.train.documents, 1);
}

TEST(Manifest, what_is_wrong_with_it_is_said_in_our_words) {
  TemporaryFolder folder;
  prepareData(optionsFor(folder, "out"));
  std::string path = folder.path("out/manifest.json"), good = readFile(path);
  auto errorWith = [&](const std::string &from, const std::string &to) {
    std::string text = good;
    folder.write("out/manifest.json", text.replace(text.find(from), from.size(), to));
    return errorOf([&] { open(folder.path("out")); });
  };
  expectContains(errorWith("data 1", "checkpoint 1"), "its format is 'nanochat checkpoint 1'");
  expectContains(errorWith("\"train\"", "\"trains\""), "prepared data: it has no 'train'");
  expectContains(errorWith("\"vocab\": 300", "\"vocab\": 3.5"), "its 'vocab' is of another type");
  expectContains(errorWith("\"vocab\": 300", "\"vocab\": 1e999"), "a number is out of range");
  expectContains(errorWith("\"sources\": [", "\"sources\": [7, "), "its 'sources' is of another type");
  expectContains(errorWith("train-00000.bin", "../x.bin"), "is not a name in this folder");
  expectContains(errorWith("\"sources\": [", "\"sources\": " + std::string(100'000, '[')), "nest deeper than 64");
  expectContains(errorWith("\n}", ""), "not JSON from byte");
}
