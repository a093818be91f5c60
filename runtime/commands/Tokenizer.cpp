#include "runtime/commands/Commands.h"
#include "runtime/commands/Options.h"
#include "runtime/data/TextFiles.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include "runtime/files/Numbers.h"
#include "runtime/tokenizer/BpeTrainer.h"
#include "runtime/tokenizer/ByteLevel.h"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <sstream>

namespace nc {

namespace {

struct TokenizerOptions {
  std::string tokenizer, input = "-", output, pattern = "gpt4";
  std::vector<std::string> texts, extensions = {"rs"};
  int64_t vocab = 4096;
};

} // namespace

static double secondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

static void train(const TokenizerOptions &options) {
  checkWritable(options.output, "--output");
  auto begin = std::chrono::steady_clock::now();
  std::vector<TextFile> texts;
  std::vector<NamedPath> inputs;
  for (const std::string &path : options.texts)
    for (const TextFile &text : listText({path, options.extensions})) {
      texts.push_back(text);
      inputs.push_back({"'tokenizer train'", text.path});
    }
  checkOutputs(inputs, {{"--output", options.output}});
  BpeTrainer trainer(options.pattern);
  int64_t bytes = 0;
  for (const TextFile &text : texts) {
    trainer.add(text.read().bytes());
    bytes += text.end - text.begin;
  }
  Tokenizer tokenizer = trainer.train(int32_t(options.vocab));
  tokenizer.write(options.output);
  printf("%d tokens from %lld bytes of %zu texts in %.1f s\n", tokenizer.size(), wide(bytes), texts.size(),
         secondsSince(begin));
}

static void encode(const TokenizerOptions &options) {
  Tokenizer tokenizer = Tokenizer::read(options.tokenizer);
  std::string text = readInput(options.input);
  std::vector<int32_t> ids;
  auto begin = std::chrono::steady_clock::now();
  tokenizer.encode(text, ids);
  double seconds = secondsSince(begin);
  for (size_t i = 0; i < ids.size(); ++i)
    printf("%s%d", i ? " " : "", ids[i]);
  printf("\n");
  fprintf(stderr, "%zu bytes, %zu tokens, %.1f MB/s\n", text.size(), ids.size(), text.size() / 1e6 / seconds);
}

static void decode(const TokenizerOptions &options) {
  Tokenizer tokenizer = Tokenizer::read(options.tokenizer);
  std::istringstream words(readInput(options.input));
  for (std::string word; words >> word;) {
    auto id = parseInteger<int32_t>(word);
    if (!id || *id < 0 || *id >= tokenizer.size())
      failInput(format("found '%s', expected an id from 0 to %d", word.c_str(), tokenizer.size() - 1));
    std::string_view bytes = tokenizer.bytesOf(*id);
    fwrite(bytes.data(), 1, bytes.size(), stdout);
  }
}

static void describe(const TokenizerOptions &options) {
  Tokenizer tokenizer = Tokenizer::read(options.tokenizer);
  std::vector<std::string_view> longest;
  for (int32_t id = 0; id < tokenizer.size(); ++id)
    longest.push_back(tokenizer.bytesOf(id));
  std::stable_sort(longest.begin(), longest.end(), [](auto a, auto b) { return a.size() > b.size(); });
  printf("tokens         %d\nbegins texts   %d\nhash           %016" PRIx64 "\nexpression     %s\nlongest       ",
         tokenizer.size(), tokenizer.beginToken(), tokenizer.hash(), tokenizer.pattern().c_str());
  for (size_t i = 0; i < 8; ++i)
    printf(" %s", bytesToText(longest[i]).c_str());
  printf("\n");
}

static CLI::App *addPart(CLI::App &app, const char *name, const char *help, void (*run)(const TokenizerOptions &),
                         const std::shared_ptr<TokenizerOptions> &options) {
  CLI::App *command = app.add_subcommand(name, help);
  command->callback([run, options] { run(*options); });
  return command;
}

void addTokenizerCommand(CLI::App &app) {
  CLI::App *tokenizer = app.add_subcommand("tokenizer", "Learn a byte-level BPE tokenizer, encode and decode with it");
  tokenizer->require_subcommand(1);
  auto options = std::make_shared<TokenizerOptions>();

  CLI::App *learn = addPart(*tokenizer, "train", "Learn one from texts", train, options);
  learn->add_option("texts", options->texts, "Files, and folders to search for files")->type_name("PATH")->required();
  learn->add_option("-o,--output", options->output, "The tokenizer.json to write")->type_name("FILE")->required();
  learn->add_option("--vocab", options->vocab, "Tokens: 256 bytes, merges, one that begins texts")
      ->transform(integerIn(257, 1 << 24))
      ->capture_default_str();
  learn->add_option("--pattern", options->pattern, "How texts are split: gpt4, gpt2 or a regular expression")
      ->capture_default_str();
  learn->add_option("--ext", options->extensions, "Endings of the files to take from folders")
      ->delimiter(',')
      ->capture_default_str();

  for (CLI::App *command : {addPart(*tokenizer, "encode", "Print the ids of a text", encode, options),
                            addPart(*tokenizer, "decode", "Print the text of ids", decode, options),
                            addPart(*tokenizer, "info", "Describe a tokenizer", describe, options)}) {
    command->add_option("--tokenizer", options->tokenizer, "A tokenizer.json")->type_name("FILE")->required();
    if (command->get_name() != "info")
      command->add_option("input", options->input, "A file; - is the standard input")
          ->type_name("FILE")
          ->capture_default_str();
  }
}

} // namespace nc
