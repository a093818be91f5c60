#include "runtime/app/Signals.h"
#include "runtime/checkpoint/ModelFile.h"
#include "runtime/commands/Commands.h"
#include "runtime/commands/DataOptions.h"
#include "runtime/commands/Options.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Program.h"
#include "runtime/program/Shares.h"
#include "runtime/report/Progress.h"
#include "runtime/report/Terminal.h"
#include "runtime/training/Batches.h"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>

namespace nc {

namespace {

struct ScoreOptions {
  SessionOptions session;
  DataOptions data;
  std::string init, out;
};

/// Says now and then how far it is.
class Countdown {
public:
  Countdown(int64_t total) : total(total) {}

  void step(int64_t tokens) {
    done += tokens;
    auto now = Clock::now();
    if (now - shown < std::chrono::milliseconds(isTerminal ? 200 : 30000) && done < total)
      return;
    shown = now;
    double seconds = std::chrono::duration<double>(now - begin).count();
    int64_t known = std::min(done, total);
    printf("%s%lld of %lld tokens  %s  ETA %s   %s", isTerminal ? "\r" : "", wide(known), wide(total),
           speedText(done / seconds).c_str(), timeText((total - known) * seconds / done).c_str(),
           isTerminal && done < total ? "" : "\n");
    fflush(stdout);
  }

private:
  using Clock = std::chrono::steady_clock;
  int64_t total, done = 0;
  bool isTerminal = isRewritable();
  Clock::time_point begin = Clock::now(), shown = begin;
};

} // namespace

/// The loss in the last loop at each token of the stream; 0 at its first, which is no target.
static std::vector<float> score(Session &session, const TokenStream &stream, const std::string &name,
                                Countdown &countdown) {
  const nc_entry &entry = getEntry(session.program, "eval");
  const nc_tensor &nll = getTensor(session.program, entry, NC_OUTPUT, "nll");
  BatchInput input(session, entry);
  auto [batch, length] = input.shape();
  if (elementCount(nll) == 0 || elementCount(nll) % (batch * length))
    failInput("the metric 'nll' of the model has not one number per token",
              "let it be the nll of linear_cross_entropy");
  ConsecutiveWindows windows(stream, length, name);
  std::vector<float> losses(stream.size());
  int64_t lastLoop = elementCount(nll) - batch * length;
  for (int64_t first = 0; first < windows.count(); first += batch) {
    if (isStopRequested())
      failRun("stopped by a signal: nothing is written");
    input.fill(windows, first);
    session.run(entry);
    int64_t rows = std::min(batch, windows.count() - first);
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t i = 0; i < length; ++i) {
        double loss = session.read(nll, lastLoop + row * length + i);
        if (!std::isfinite(loss))
          failRun(format("the loss is not a finite number at token %lld of '%s'",
                         wide(windows.start(first + row) + 1 + i), name.c_str()));
        losses[windows.start(first + row) + 1 + i] = float(loss);
      }
    countdown.step(rows * length);
  }
  return losses;
}

static void runScore(const nc_program &program, const ScoreOptions &options) {
  refuseShares(program, "score");
  checkWritable(options.out, "--out");
  Data data(program, options.data, options.init);
  if (data.copyLength())
    failInput("--copy-task: its rows have no tokens that a file could be for", "name text with --data");
  auto inputs = data.files();
  inputs.push_back({"--init", modelFileIn(options.init)});
  checkOutputs(inputs, {{"--out", options.out}});
  auto session = makeSession(program, options.session);
  loadParameters(*session, options.init);
  session->fillScalars(getEntry(program, "eval"), 0, 0);
  listenForSignals();
  auto streams = data.trainingStreams();
  int64_t total = 0;
  for (const auto &[name, stream] : streams)
    total += stream.size() - 1;
  Countdown countdown(total);
  std::vector<ScoredStream> scored;
  double sum = 0, count = 0;
  for (const auto &[name, stream] : streams) {
    auto isSame = [&](const ScoredStream &other) { return other.stream->hash() == stream.hash(); };
    if (std::any_of(scored.begin(), scored.end(), isSame)) {
      countdown.step(stream.size() - 1);
      continue;
    }
    scored.push_back({&stream, score(*session, stream, name, countdown)});
    for (float loss : scored.back().values)
      sum += loss;
    count += double(stream.size() - 1);
  }
  writeTokenValues(options.out, scored, program.model);
  printf("mean loss %.4f, written to '%s'\n", sum / count, options.out.c_str());
}

void addScoreCommand(CLI::App &app, const nc_program &program) {
  auto options = std::make_shared<ScoreOptions>();
  CLI::App *command = app.add_subcommand(
      "score", "Write the model's loss at each training token, for 'train --reference' of another model");
  addInitOption(*command, options->init);
  addDataOptions(*command, options->data);
  command->add_option("--out", options->out, "The losses")->type_name("FILE")->required()->group("Files");
  addSessionOptions(*command, program, options->session);
  command->callback([options, &program] { runScore(program, *options); });
}

} // namespace nc
