#include "lib/Replay/Replay.h"
#include "lib/Replay/Rounding.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;
using namespace mlir::nanochat;

/// What a float result may differ by: sums that round otherwise; a narrow float may then be the next one.
static double toleranceOf(const HostTensor &result) {
  auto type = dyn_cast<FloatType>(result.type().getElementType());
  return std::max(1e-5, type ? std::exp2(-int(type.getFPMantissaWidth())) : 0);
}
static constexpr int64_t kErrorsShown = 10;

namespace {
/// What was seen of the kernels of one class.
struct ClassSummary {
  int64_t calls = 0, integers = 0, floats = 0;
  int64_t cancelled = 0; // results that differ by more, but by no more than rounding
  double worst = 0;      // relative L2 error of the others
  std::string worstKernel;
};

class DispatchChecker {
public:
  DispatchChecker(const Record &record, double attentionError, double rounding)
      : record(record), attentionError(attentionError), rounding(rounding) {}
  LogicalResult run();
  void summarize() const;
  bool isSame() const { return errors == 0; }

private:
  LogicalResult runEntry(func::FuncOp entry);
  FailureOr<SmallVector<Tensor>> runCall(DispatchOp call, ArrayRef<Tensor> inputs);
  void compareResults(DispatchOp call, const std::string &name, ArrayRef<Tensor> read, ArrayRef<Tensor> found);
  void compare(Location loc, const Twine &what, const HostTensor &found, const HostTensor &expected, double tolerance);

  const Record &record;
  double attentionError, rounding;
  std::optional<ReferenceKernels> kernels;
  llvm::MapVector<DispatchClass, ClassSummary> classes;
  int64_t number = 0, errors = 0, bound = 0;
};
} // namespace

void DispatchChecker::compare(Location loc, const Twine &what, const HostTensor &found, const HostTensor &expected,
                              double tolerance) {
  std::string difference = describeDifference(found, expected, tolerance);
  if (!difference.empty() && ++errors <= kErrorsShown)
    emitError(loc) << what << difference;
}

FailureOr<SmallVector<Tensor>> DispatchChecker::runCall(DispatchOp call, ArrayRef<Tensor> inputs) {
  std::string name = ("kernel '" + *call.getKernel() + "', call " + Twine(number) + ": ").str();
  auto file = record.openCall(number++, *call.getKernel());
  if (failed(file))
    return failure();
  auto read = file->read(call.getInputs().getTypes(), [](unsigned i) { return "in" + std::to_string(i); });
  auto written = file->read(call.getResultTypes(), [](unsigned i) { return "out" + std::to_string(i); });
  if (failed(read) || failed(written))
    return failure();
  for (auto [i, here, there] : llvm::enumerate(*read, inputs))
    compare(call.getLoc(), name + "input " + Twine(i) + " was overwritten before it was read, at ", *here, *there, 0);
  compareResults(call, name, *read, *written);
  return written;
}

void DispatchChecker::compareResults(DispatchOp call, const std::string &name, ArrayRef<Tensor> read,
                                     ArrayRef<Tensor> found) {
  ClassSummary &summary = classes[call.getKind()];
  ++summary.calls;
  SmallVector<Tensor> expected = kernels->run(call, read);
  SmallVector<double> floors; // asked for where something differs
  for (auto [i, here, there] : llvm::enumerate(found, expected)) {
    double tolerance = call.getKind() == DispatchClass::attention ? attentionError : toleranceOf(*there);
    ++(there->isFloat() ? summary.floats : summary.integers);
    double error = there->isFloat() ? relativeL2(*here, *there) : 0;
    // Kernels of class generic are the reference's own code, and what they make of their operands knows no bound.
    if (error > tolerance && call.getKind() != DispatchClass::generic) {
      if (floors.empty())
        floors = roundingOf(*kernels, call, read, expected, rounding);
      if (double distance = distanceL2(*here, *there); std::isfinite(distance) && distance <= floors[i]) {
        ++summary.cancelled;
        continue;
      }
    }
    compare(call.getLoc(), name + "result " + Twine(i) + " is wrong at ", *here, *there, tolerance);
    if (error <= summary.worst)
      continue;
    summary.worst = error;
    summary.worstKernel = call.getKernel()->str();
  }
}

LogicalResult DispatchChecker::runEntry(func::FuncOp entry) {
  auto args = record.readArguments(entry), found = record.readResults(entry);
  if (failed(args) || failed(found))
    return failure();
  auto results =
      walkEntry(entry, *args, [&](DispatchOp call, ArrayRef<Tensor> inputs) { return runCall(call, inputs); });
  if (failed(results))
    return failure();
  for (auto [i, expected] : llvm::enumerate(*results)) {
    std::string name = getResultBinding(entry, i).describe();
    compare(entry.getLoc(), entry.getName() + ": " + name + " is not what was computed for it, at ", *(*found)[i],
            *expected, 0);
    ++bound;
  }
  return success();
}

LogicalResult DispatchChecker::run() {
  SmallVector<DispatchOp> calls;
  for (func::FuncOp entry : record.getEntries())
    llvm::append_range(calls, dispatchesOf(entry));
  auto compiled = ReferenceKernels::compile(calls.front()->getParentOfType<ModuleOp>(), calls, MathFrom::kernels);
  if (failed(compiled))
    return failure();
  kernels = std::move(*compiled);
  for (func::FuncOp entry : record.getEntries())
    if (failed(runEntry(entry)))
      return failure();
  return success();
}

void DispatchChecker::summarize() const {
  llvm::outs() << "check-dispatches: " << number << " calls of " << kernels->count() << " kernels, " << bound
               << " results of entries, " << errors << (errors == 1 ? " error\n" : " errors\n");
  for (auto &[kind, summary] : classes) {
    llvm::outs() << llvm::left_justify(stringifyDispatchClass(kind), 10) << summary.calls << " calls, "
                 << summary.integers << " integer and " << summary.floats << " float results";
    if (summary.worst > 0)
      llvm::outs() << llvm::format(", worst relative L2 error %.2g (", summary.worst) << summary.worstKernel << ")";
    if (summary.cancelled)
      llvm::outs() << ", " << summary.cancelled << " that cancel to rounding";
    llvm::outs() << "\n";
  }
}

FailureOr<bool> mlir::nanochat::checkDispatches(const Record &record, double attentionError, double rounding) {
  DispatchChecker checker(record, attentionError, rounding);
  if (failed(checker.run()))
    return failure();
  checker.summarize();
  return checker.isSame();
}
