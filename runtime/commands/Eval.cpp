// SPDX-License-Identifier: Apache-2.0
#include "runtime/Batches.h"
#include "runtime/Checkpoint.h"
#include "runtime/Errors.h"
#include "runtime/Metrics.h"
#include "runtime/Program.h"
#include "runtime/commands/Commands.h"
#include "runtime/commands/Options.h"

#include <CLI/CLI.hpp>
#include <cstring>

namespace nc {

namespace {

struct EvalOptions {
  SessionOptions session;
  DataOptions data;
  std::string init, split = "all";
  int64_t batches = 8;
  std::vector<std::string> zeroed;
  bool isJson = false;
};

} // namespace

static void zeroParameter(Session &session, const std::string &name) {
  std::set<std::string> known;
  for (const nc_tensor *parameter : tensorsOf(session.program, NC_PARAM)) {
    known.insert(parameter->name);
    if (name == parameter->name) {
      memset(session.data(*parameter), 0, parameter->bytes);
      return;
    }
  }
  failInput("--zero: no parameter '" + name + "'", "the parameters are " + join(known));
}

static TokenStream readSplit(const CorpusOptions &text, const std::string &split) {
  if (split == "all")
    return readTokens(text);
  Corpus corpus = readSplitCorpus(text);
  return split == "val" ? corpus.validation : corpus.train;
}

static void printMetrics(const Metrics &metrics) {
  auto print = [](const std::string &label, std::optional<double> value) {
    if (value)
      printf("%-24s %.6f\n", label.c_str(), *value);
  };
  print("loss", metrics.loss());
  print("bits per byte", metrics.bitsPerByte());
  std::vector<double> loops = metrics.loopBitsPerByte();
  for (size_t i = 0; loops.size() > 1 && i < loops.size(); ++i)
    print("bits per byte, loop " + std::to_string(i + 1), loops[i]);
  print("exit depth", metrics.exitDepth());
  print("copy nll", metrics.copyNll());
}

static void runEval(const nc_program &program, const EvalOptions &options) {
  checkDataOptions(options.data);
  auto session = makeSession(program, options.session);
  loadCheckpoint(*session, options.init);
  for (const std::string &name : options.zeroed)
    zeroParameter(*session, name);
  BatchShape shape = batchShape(program, getEntry(program, "eval"));
  TokenStream stream;
  std::unique_ptr<RowSource> source;
  if (options.data.isCopyTask) {
    source = std::make_unique<CopyRows>(0, program.vocab, "data.copy.validation");
  } else {
    stream = readSplit(corpusOptions(program, options.data, options.data.data), options.split);
    source = std::make_unique<SpacedWindows>(stream, options.batches, shape.rows, shape.length,
                                             "evaluation");
  }
  Metrics metrics =
      evaluate(*session, *source, options.batches, options.data.isCopyTask ? shape.length : 0);
  if (!options.isJson)
    return printMetrics(metrics);
  JsonLine line;
  line.add("loss", metrics.loss());
  line.add("bpb", metrics.bitsPerByte());
  line.add("bpb_loop", metrics.loopBitsPerByte());
  line.add("exit_depth", metrics.exitDepth());
  line.add("copy_nll", metrics.copyNll());
  fputs(line.text().c_str(), stdout);
}

void addEvalCommand(CLI::App &app, const nc_program &program) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App *command = app.add_subcommand("eval", "Measure a trained model on text");
  command->add_option("--init", options->init, "Trained parameters")
      ->type_name("FILE")
      ->required()
      ->group("Files");
  addDataOptions(*command, options->data);
  command->add_option("--split", options->split, "Which part of --data, as 'train' divides it")
      ->check(CLI::IsMember({"all", "train", "val"}))
      ->capture_default_str()
      ->group("Data");
  command->add_option("--batches", options->batches, "Batches, evenly spaced over the text")
      ->check(atLeast(1))
      ->capture_default_str()
      ->group("Run");
  command->add_option("--zero", options->zeroed, "Set a parameter to zero first, to see its part")
      ->type_name("PARAM")
      ->group("Inspection");
  command->add_flag("--json", options->isJson, "Print one JSON object")->group("Inspection");
  addSessionOptions(*command, program, options->session);
  command->callback([options, &program] { runEval(program, *options); });
}

} // namespace nc
