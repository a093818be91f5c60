#include "runtime/commands/Commands.h"
#include "runtime/commands/Options.h"
#include "runtime/data/DataSet.h"
#include "runtime/data/Prepare.h"
#include "runtime/files/Errors.h"
#include <CLI/CLI.hpp>
#include <cinttypes>

namespace nc {

static void addPrepare(CLI::App &data) {
  auto options = std::make_shared<PrepareOptions>();
  CLI::App *command = data.add_subcommand("prepare", "Turn texts into a folder of tokens to train on");
  auto add = [&](const char *name, auto &value, const char *help, const char *type) {
    return command->add_option(name, value, help)->type_name(type)->capture_default_str();
  };
  add("sources", options->sources, "Files, and folders to search for files", "PATH")->required();
  add("-o,--output", options->output, "The folder to make", "DIR")->required();
  add("--ext", options->extensions, "Endings of the files to take from folders", "EXT,…")->delimiter(',');
  CLI::Option *vocab =
      add("--vocab", options->vocab, "Learn a tokenizer of so many tokens", "N")->transform(integerIn(257, 1 << 24));
  CLI::Option *pattern = add("--pattern", options->pattern, "How texts are split before tokens are learned", "NAME")
                             ->check(CLI::IsMember({"gpt4", "gpt2"}));
  add("--tokenizer", options->tokenizer, "Use this tokenizer.json instead", "FILE")->excludes(vocab)->excludes(pattern);
  add("--shard-tokens", options->shardTokens, "Begin a new file after so many", "N")->transform(integerIn(1, 1 << 30));
  command->callback([options] { prepareData(*options); });
}

static void describeFolder(const std::string &path) {
  // Any vocabulary will do: there is no model.
  DataSet data = openDataSet(path, {{"rs"}, Vocabulary::ofBytes(257), int64_t(1) << 31});
  if (data.isText)
    failInput("'" + path + "' has texts, expected tokens", "make tokens of them with 'data prepare'");
  printf("%-20s %d\n", "vocabulary", data.vocabulary.size());
  printf("%-20s %016" PRIx64 "\n", "tokenizer hash", data.vocabulary.hash());
  printf("%-20s %lld\n", "training tokens", wide(data.train.size()));
  printf("%-20s %lld\n", "validation tokens", wide(data.validation.size()));
}

void addDataCommand(CLI::App &app) {
  CLI::App *data = app.add_subcommand("data", "Make data to train on, and look at it");
  data->require_subcommand(1);
  addPrepare(*data);
  auto path = std::make_shared<std::string>();
  CLI::App *check =
      data->add_subcommand("check", "Check every byte of prepared data or token files, and say what they are");
  check->add_option("path", *path, "A prepared folder, a .bin file or a folder of them")->type_name("PATH")->required();
  check->callback([path] { describeFolder(*path); });
}

} // namespace nc
