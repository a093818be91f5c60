#include "runtime/checkpoint/ModelFile.h"
#include "runtime/commands/Commands.h"
#include "runtime/commands/DataOptions.h"
#include "runtime/commands/OnRanks.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include "runtime/program/Program.h"
#include "runtime/program/Shares.h"
#include "runtime/training/Batches.h"
#include "runtime/training/Metrics.h"
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstring>

namespace nc {

namespace {

struct EvalOptions {
  RankOptions ranks;
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
      memset(session.mutableData(*parameter), 0, parameter->bytes);
      return;
    }
  }
  failInput("--zero: no parameter '" + name + "'", "the parameters are " + join(known));
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

static void runEval(const nc_program &program, const EvalOptions &options, Ranks &ranks) {
  Data data(program, options.data, options.init);
  ranks.compare("has data of hash", "of", hashText(data.hash()), "all ranks must read the same data");
  auto session = makeSession(program, options.session);
  session->join(ranks);
  loadParameters(*session, options.init);
  for (const std::string &name : options.zeroed)
    zeroParameter(*session, name);
  BatchShape shape = batchShape(program, getEntry(program, "eval"));
  auto rows = data.spacedRows(options.split, options.batches * shape.rows, shape.length);
  Metrics metrics = evaluate(*session, *rows, options.batches, Metrics(data.vocabulary(), data.copyLength()));
  if (!std::isfinite(metrics.loss().value_or(0)))
    failRun("the loss is not a finite number", "the parameters are finite but too large: take what was saved earlier");
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

/// By ranks where the parameters are shared among them, or where these are asked for.
static void startEval(const nc_program &program, EvalOptions &options, const std::function<bool()> &isThreadsGiven) {
  bool isAlone = !options.ranks.ranks && findRankPlace().source.empty();
  if (isAlone && (sizeOr(program, "ranks", 1) == 1 || !hasShares(program))) {
    Ranks alone;
    return runEval(program, options, alone);
  }
  std::string zeroed;
  for (const std::string &name : options.zeroed)
    zeroed += " " + name;
  auto prepare = [&](bool) {
    Facts facts = factsOf(program, options.ranks, options.session);
    facts.emplace_back("--batches", std::to_string(options.batches));
    facts.emplace_back("--split", options.split);
    facts.emplace_back("--zero", zeroed);
    facts.emplace_back("a model of hash", hashText(hashOf(InputFile(modelFileIn(options.init)))));
    return facts;
  };
  runOnRanks(program, {options.ranks, options.session, isThreadsGiven}, prepare,
             [&](Ranks &ranks) { runEval(program, options, ranks); });
}

void addEvalCommand(CLI::App &app, const nc_program &program) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App *command = app.add_subcommand("eval", "Measure a trained model on text");
  auto add = [&](const char *name, auto &value, const char *help, const char *group) {
    return command->add_option(name, value, help)->group(group);
  };
  addInitOption(*command, options->init);
  addDataOptions(*command, options->data);
  add("--split", options->split, "Which part of --data, as 'train' divides it", "Data")
      ->check(CLI::IsMember({"all", "train", "val"}))
      ->capture_default_str();
  add("--batches", options->batches, "Batches, evenly spaced over the text", "Run")
      ->transform(integerIn(1, kMostAtOnce))
      ->capture_default_str();
  add("--zero", options->zeroed, "Set a parameter to zero first, to see its part", "Inspection")->type_name("PARAM");
  command->add_flag("--json", options->isJson, "Print one JSON object")->group("Inspection");
  addSessionOptions(*command, program, options->session);
  addRankOptions(*command, options->ranks, /*least=*/1);
  command->callback([options, command, &program] {
    startEval(program, *options, [&] { return command->get_option("--threads")->count() > 0; });
  });
}

} // namespace nc
