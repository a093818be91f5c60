#include "runtime/training/Trainer.h"
#include "runtime/files/Errors.h"
#include "runtime/program/AllocationCounter.h"
#include "runtime/program/Program.h"
#include "runtime/program/Shares.h"
#include "runtime/training/NonFinite.h"
#include <cmath>

namespace nc {

std::optional<double> StepReport::output(std::string_view name) const {
  for (const NamedValue &output : outputs)
    if (output.name == name)
      return output.value;
  return std::nullopt;
}

Trainer::Trainer(Session &session, const std::string &phase, int64_t scheduleSteps, Metrics metrics)
    : session(session), together(sizeOr(session.program, "tensor", 1)),
      gradients(getPhaseEntry(session.program, phase, "gradients")),
      update(getPhaseEntry(session.program, phase, "update")), input(session, gradients), scheduleSteps(scheduleSteps),
      report{{}, std::move(metrics), 0} {
  // A report of nothing, so that the first step finds its memory as the others do.
  describe();
  appendScalarOutputs(session, update, report.outputs);
}

void Trainer::describe() {
  report.outputs.clear();
  report.metrics.clear();
  appendScalarOutputs(session, gradients, report.outputs);
  report.metrics.addStep(session, gradients);
}

const StepReport &Trainer::step(int64_t step, int64_t firstRow, const RowSource &source, DispatchObserver *observer) {
  std::optional<AllocationScope> scope;
  if (!observer)
    scope.emplace();
  run(step, firstRow, source, observer);
  return report;
}

void Trainer::run(int64_t step, int64_t firstRow, const RowSource &source, DispatchObserver *observer) {
  session.fillScalars(gradients, step, scheduleSteps);
  Ranks &ranks = session.ranks();
  input.fill(source, firstRow + ranks.rank() / together * input.shape().rows);
  int64_t sentBefore = ranks.sentBytes();
  sound = !updatesInBackward(session.program);
  session.run(gradients, observer);
  checkFinite(step);
  // Now, for the update may reuse the memory of the outputs.
  describe();
  session.fillScalars(update, step, scheduleSteps);
  sound = false; // until all of the update is made
  session.run(update, observer);
  appendScalarOutputs(session, update, report.outputs);
  report.sentBytes = ranks.sentBytes() - sentBefore;
  sound = true;
}

void Trainer::checkFinite(int64_t step) {
  bool isFinite = true;
  for (const char *name : {"loss", "grad_norm"})
    if (const nc_tensor *output = findTensor(session.program, gradients, NC_OUTPUT, name))
      isFinite = isFinite && std::isfinite(session.read(*output));
  if (isFinite)
    return;
  sound = false; // parameters that lead here are worth nothing
  auto tensor = findNonFinite(session, gradients, NC_OUTPUT);
  std::string gradient = findNonFinite(session, gradients, NC_GRADIENT).value_or("");
  if (hasShares(session.program)) // each rank knows of its own
    gradient = session.ranks().firstToSay(gradient);
  if (!gradient.empty())
    tensor = *tensor + " and " + gradient;
  std::string blame = blameKernel(session, gradients);
  throw AgreedError(
      ExitCode::RunFailed, format("step %lld: %s: not a finite number; %s", wide(step), tensor->c_str(), blame.c_str()),
      updatesInBackward(session.program)
          ? "parameters whose gradients are numbers may have been updated; what was saved before is still there; a "
            "lower learning rate or another seed may help"
          : "the parameters were not updated; a lower learning rate or another seed may help");
}

} // namespace nc
