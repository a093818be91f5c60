#include "runtime/commands/DataOptions.h"
#include "TestTools.h"
#include "runtime/checkpoint/ModelFile.h"
#include "runtime/data/Prepare.h"
#include "runtime/data/ShardFile.h"
#include "runtime/program/Program.h"
#include "runtime/tokenizer/BpeTrainer.h"

using namespace nc;
using namespace nc::test;

static const nc_program &tiny = *nc_programs[0];

namespace {

/// Texts, two tokenizers, data that were prepared with each, and token files without one.
class DataOptionsTest : public testing::Test {
protected:
  void SetUp() override {
    std::string lines;
    for (int i = 0; i < 100; ++i)
      lines += format("fn f%d() {}\n", i);
    folder.write("texts/a.rs", lines);
    folder.write("texts/b.rs", "//\n" + lines);
    text = folder.path("texts/a.rs");
    for (std::string pattern : {"gpt2", "gpt4"}) {
      BpeTrainer(pattern).train(257).write(at(pattern + ".json"));
      PrepareOptions options;
      options.sources = {text};
      options.output = at(pattern);
      options.tokenizer = at(pattern + ".json");
      prepareData(options);
    }
    ShardInfo foreign;
    foreign.vocab = 257;
    writeShard(at("foreign"), std::vector<int32_t>(100, 7), foreign);
    std::string shard = readFile(at("foreign"));
    shard.replace(12, 4, 4, '\0'); // without our mark, as of another program
    folder.write("foreign", shard);
  }

  std::string at(const std::string &name) { return folder.path(name); }
  std::string errorWith(const DataOptions &options, const std::string &validation = "") {
    return errorOf([&] {
      Data data(tiny, options, "");
      if (!validation.empty())
        data.replaceValidation(validation);
    });
  }
  std::string warningWith(const DataOptions &options) {
    testing::internal::CaptureStderr();
    Data data(tiny, options, "");
    return testing::internal::GetCapturedStderr();
  }
  DataOptions of(const std::vector<std::string> &data) {
    DataOptions options;
    options.data = data;
    return options;
  }

  TemporaryFolder folder;
  std::string text;
};

} // namespace

TEST_F(DataOptionsTest, a_tokenizer_that_contradicts_the_data_is_refused) {
  DataOptions options = of({at("gpt2")});
  options.tokenizer = at("gpt2.json");
  EXPECT_EQ(errorWith(options), "");
  options.tokenizer = at("gpt4.json");
  expectContains(errorWith(options), "--tokenizer is not the one that '" + at("gpt2"));
  options.data = {at("gpt2/train-00000.bin")};
  expectContains(errorWith(options), "was made with another tokenizer than");
  options.data = {text};
  EXPECT_EQ(errorWith(options), "");
  options.data = {at("foreign")};
  EXPECT_EQ(errorWith(options), "") << "it says nothing of its tokenizer";
}

TEST_F(DataOptionsTest, data_of_two_vocabularies_are_not_mixed) {
  EXPECT_EQ(errorWith(of({at("gpt2"), at("gpt2/")})), "");
  expectContains(errorWith(of({at("gpt2"), at("gpt4")})), "have different tokenizers");
  expectContains(errorWith(of({at("gpt2"), text})), "have different tokenizers");
  expectContains(errorWith(of({text, at("foreign")})), "have different tokenizers");
}

TEST_F(DataOptionsTest, validation_has_the_vocabulary_of_the_data) {
  EXPECT_EQ(errorWith(of({at("gpt2")}), at("gpt2")), "");
  expectContains(errorWith(of({at("gpt2")}), at("gpt4")), "--val: '" + at("gpt4"));
  expectContains(errorWith(of({text}), at("foreign")), "has another tokenizer than --data");
  expectContains(errorWith(of({at("foreign")}), text), "is text, and the tokenizer");
  Data data(tiny, of({at("gpt2")}), "");
  data.replaceValidation(text);
  int32_t first[2];
  data.spacedRows("val", 1, 1)->fill(0, first, 1);
  EXPECT_EQ(first[0], data.vocabulary().beginToken()) << "texts are encoded as the data were";
  EXPECT_EQ(data.vocabulary().bytesOf(first[1]), "f");
}

TEST_F(DataOptionsTest, shares_that_are_never_drawn_are_refused) {
  DataOptions options = of({"a=" + text, "b=" + at("texts")});
  auto errorOfMix = [&](const std::vector<std::string> &mix) {
    options.mix = mix;
    return errorWith(options);
  };
  EXPECT_EQ(errorOfMix({"a=1", "b=1e-4"}), "");
  expectContains(errorOfMix({"a=1", "b=1e-9"}), "the share of 'b' is too small");
  expectContains(errorOfMix({"a=1e308", "b=1e308"}), "too large to add");
  expectContains(errorOfMix({"a=1", "b=1", "a=2"}), "two weights");
}

TEST_F(DataOptionsTest, endings_that_say_nothing_are_warned_of) {
  EXPECT_EQ(warningWith(of({text})), "");
  for (const std::string &data : {text, at("gpt2")}) {
    DataOptions options = of({data});
    options.extensions = {"rs", "md"};
    expectContains(warningWith(options), "warning: --ext changes nothing");
    options.data.push_back(at("texts"));
    if (data == text) {
      EXPECT_EQ(warningWith(options), "");
    }
  }
}

TEST_F(DataOptionsTest, every_file_that_is_read_is_known) {
  DataOptions options = of({at("texts"), "tokens=" + at("gpt2")});
  options.tokenizer = at("gpt2.json");
  Data data(tiny, options, "");
  data.replaceValidation(at("gpt2/val-00000.bin"));
  std::set<std::string> known;
  for (const NamedPath &file : data.files())
    known.insert(file.name + " " + file.path);
  for (const char *name : {"--data |texts/a.rs", "--data |texts/b.rs", "--data |gpt2/manifest.json",
                           "--data |gpt2/tokenizer.json", "--data |gpt2/train-00000.bin", "--data |gpt2/val-00000.bin",
                           "--tokenizer |gpt2.json", "--val |gpt2/val-00000.bin"}) {
    std::string expected = name;
    expected.replace(expected.find('|'), 1, at(""));
    EXPECT_TRUE(known.erase(expected)) << expected;
  }
  EXPECT_EQ(known.size(), 0u);
}

TEST_F(DataOptionsTest, a_model_of_tokens_without_a_tokenizer_says_so) {
  Session session(tiny, 1);
  saveParameters(session, at("model"), Data(tiny, of({at("foreign")}), "").vocabulary());
  EXPECT_TRUE(vocabularyOf(at("model"), tiny.vocab).isUnknown());
  expectContains(errorOf([&] { Data(tiny, of({text}), at("model")); }), "is text, and the tokenizer");
  Data(tiny, of({at("foreign")}), at("model"));
  ProcessResult result = runProcess(std::string(TINY_PROGRAM) + " generate --prompt x --init " + at("model"));
  EXPECT_EQ(result.code, 2);
  expectContains(result.output, "what tokens mean is not known");
}

TEST_F(DataOptionsTest, a_tokenizer_larger_than_the_model_never_reaches_it) {
  BpeTrainer trainer("gpt4");
  trainer.add(readFile(text));
  Session session(tiny, 1);
  saveParameters(session, at("model"), Vocabulary::of(trainer.train(260)));
  ProcessResult result = runProcess(std::string(TINY_PROGRAM) + " generate --prompt fn --init " + at("model"));
  EXPECT_EQ(result.code, 2);
  expectContains(result.output, "has a tokenizer of 260 tokens, the model a vocabulary of 257");
  expectContains(errorOf([&] { Data(tiny, of({text}), at("model")); }), "has 260 tokens");
}
