#include "lib/Replay/Replay.h"
#include "lib/Replay/Walk.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::nanochat;

static bool isBytes(Type type, int64_t rank) {
  return getElementTypeOrSelf(type).isInteger(8) && cast<ShapedType>(type).getRank() == rank;
}

namespace {
/// The distinct int8 results of an entry's recorded calls, in order: both pipelines quantise the same
/// values in the same order, however they group the ops around that. One may keep codes to itself that the
/// other writes to memory, where it quantises a value again for the gradient; those are not distinct.
class RecordedCodes {
public:
  RecordedCodes(func::FuncOp reference, double flippedAtMost) : flippedAtMost(flippedAtMost) {
    reference.walk([&](DispatchOp call) {
      hasPanels |= llvm::any_of(call.getResultTypes(), [](Type type) { return isBytes(type, 4); });
    });
  }
  /// Is it the result of a quantiser? Panels are codes in another order, where the reference has any.
  bool isCode(Type type) const { return isBytes(type, 2) || (hasPanels && isBytes(type, 4)); }
  LogicalResult read(const Record &record, func::FuncOp entry);
  /// The next code in the place of `computed`; fails with an error at `call` where it cannot be its.
  FailureOr<Tensor> replace(DispatchOp call, const HostTensor &computed);
  LogicalResult finish(func::FuncOp entry);

  bool differ = false;            // an error was emitted for codes that are not the reference's
  int64_t codes = 0, flipped = 0; // elements seen, and those the reference rounded to something else

private:
  double flippedAtMost;
  bool hasPanels = false;
  std::vector<Tensor> results, replaced; // recorded, and what the reference computed in their place
};
} // namespace

/// The number of the tensor in `list` that has the bytes of `tensor`.
static std::optional<size_t> find(ArrayRef<Tensor> list, const HostTensor &tensor) {
  for (auto [i, other] : llvm::enumerate(list))
    if (other->type() == tensor.type() && other->sameBytes(tensor))
      return i;
  return std::nullopt;
}

LogicalResult RecordedCodes::read(const Record &record, func::FuncOp entry) {
  auto args = record.readArguments(entry);
  if (failed(args))
    return failure();
  int64_t number = 0;
  // Walked, because what was recorded decides how often some loops run.
  return walkEntry(entry, *args, [&](DispatchOp call, ArrayRef<Tensor>) -> FailureOr<SmallVector<Tensor>> {
    auto file = record.openCall(number++, *call.getKernel());
    if (failed(file))
      return failure();
    auto written = file->read(call.getResultTypes(), [](unsigned i) { return "out" + std::to_string(i); });
    if (failed(written))
      return failure();
    for (const Tensor &tensor : *written)
      if (isCode(tensor->type()) && !find(results, *tensor))
        results.push_back(tensor);
    return written;
  });
}

FailureOr<Tensor> RecordedCodes::replace(DispatchOp call, const HostTensor &computed) {
  if (auto again = find(replaced, computed))
    return results[*again];
  differ = true;
  size_t next = replaced.size();
  if (next == results.size() || results[next]->type() != computed.type())
    return call.emitError("int8 result ") << next << " of the reference has no recorded counterpart of its shape";
  Tensor recorded = results[next];
  replaced.push_back(std::make_shared<HostTensor>(computed.copy()));
  int64_t different = 0;
  for (int64_t i = 0; i < computed.size(); ++i)
    different += recorded->get(i) != computed.get(i);
  if (different > std::max(1.0, flippedAtMost * computed.size()))
    return call.emitError("int8 result ") << next << " of the reference differs from the recorded one in " << different
                                          << " of " << computed.size() << " codes";
  differ = false;
  codes += computed.size();
  flipped += different;
  return recorded;
}

LogicalResult RecordedCodes::finish(func::FuncOp entry) {
  size_t next = replaced.size();
  if (next == results.size())
    return success();
  differ = true;
  return entry.emitError("the reference has ") << next << " int8 results, recorded were " << results.size();
}

/// The results of the reference's entry with recorded codes.
static FailureOr<SmallVector<Tensor>> runInjected(const Record &record, func::FuncOp entry, RecordedCodes &codes) {
  auto kernels = ReferenceKernels::compile(entry->getParentOfType<ModuleOp>(), dispatchesOf(entry), MathFrom::library);
  auto args = record.readArguments(entry);
  if (failed(kernels) || failed(args))
    return failure();
  return walkEntry(entry, *args, [&](DispatchOp call, ArrayRef<Tensor> inputs) -> FailureOr<SmallVector<Tensor>> {
    SmallVector<Tensor> results = kernels->run(call, inputs);
    for (Tensor &result : results) {
      if (!codes.isCode(result->type()))
        continue;
      auto recorded = codes.replace(call, *result);
      if (failed(recorded))
        return failure();
      result = *recorded;
    }
    return results;
  });
}

FailureOr<bool> mlir::nanochat::checkGradients(const Record &record, ModuleOp reference, double gradientError,
                                               double flipped) {
  func::FuncOp program = record.getEntries().front();
  auto entry = reference.lookupSymbol<func::FuncOp>(program.getName());
  RecordedCodes codes(entry, flipped);
  if (failed(codes.read(record, program)))
    return failure();
  auto expected = runInjected(record, entry, codes);
  auto found = record.readResults(entry);
  if (failed(found) || failed(expected) || failed(codes.finish(entry)))
    return codes.differ ? FailureOr<bool>(false) : FailureOr<bool>(failure());
  bool isSame = true;
  double worst = 0;
  std::string worstName;
  for (unsigned i = 0; i < expected->size(); ++i) {
    const HostTensor &here = *(*found)[i], &there = *(*expected)[i];
    std::string name = getResultBinding(entry, i).describe();
    std::string difference = describeDifference(here, there, gradientError);
    if (!difference.empty()) {
      entry.emitError(name) << " is wrong at " << difference;
      isSame = false;
    }
    if (double error = relativeL2(here, there); error >= worst) {
      worst = error;
      worstName = name;
    }
  }
  llvm::outs() << "check-gradients: " << expected->size() << " results, worst relative L2 error "
               << llvm::format("%.2g", worst) << " (" << worstName << "); " << codes.flipped << " of " << codes.codes
               << " codes rounded otherwise\n";
  return isSame;
}
