#include "lib/Checks/Passes.h"
#include "lib/Execution/HostTensor.h"
#include "lib/Execution/Jit.h"
#include "lib/Reference/Reference.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_CHECKNUMERICPASS
#include "lib/Checks/Passes.h.inc"

/// Are the results pairs of one type each that can be compared here?
static LogicalResult verifyPairs(func::FuncOp func) {
  TypeRange types = func.getResultTypes();
  if (types.empty() || types.size() % 2)
    return func.emitError("returns ") << types.size() << " values; return pairs (actual, expected, ...)";
  for (unsigned i = 0; i < types.size(); i += 2) {
    auto tensor = dyn_cast<RankedTensorType>(types[i]);
    if (types[i] != types[i + 1])
      return func.emitError("compares result ") << i << " of type " << types[i] << " with " << types[i + 1];
    if (!tensor || !tensor.hasStaticShape() || !HostTensor::supports(tensor.getElementType()))
      return func.emitError("cannot compare values of type ") << types[i];
  }
  return success();
}

static LogicalResult compareResults(func::FuncOp func, ArrayRef<HostTensor> results) {
  auto attr = func->getAttrOfType<FloatAttr>("nanochat.tolerance");
  double tolerance = attr ? attr.getValueAsDouble() : 1e-6;
  LogicalResult status = success();
  for (unsigned i = 0; i < results.size(); i += 2) {
    const HostTensor &found = results[i], &expected = results[i + 1];
    int64_t at = firstDifference(found, expected, tolerance);
    if (at < 0)
      continue;
    InFlightDiagnostic diag = func.emitError("result ")
                              << i << " differs from result " << i + 1 << " at " << found.position(at) << ": found ";
    diag << found.get(at) << ", expected " << expected.get(at);
    if (found.isFloat())
      diag << " (tolerance " << tolerance << ")";
    status = failure();
  }
  return status;
}

namespace {
struct CheckNumericPass : impl::CheckNumericPassBase<CheckNumericPass> {
  using CheckNumericPassBase::CheckNumericPassBase;

  void getDependentDialects(DialectRegistry &registry) const override { registerExecutionDialects(registry); }

  void runOnOperation() override {
    SmallVector<func::FuncOp> tests;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (func.isPublic() && !func.isExternal() && func.getNumArguments() == 0) {
        if (failed(verifyPairs(func)))
          return signalPassFailure();
        tests.push_back(func);
      }
    if (tests.empty())
      return;
    auto jit = compileReference(getOperation(), tests);
    if (failed(jit))
      return signalPassFailure();
    unsigned comparisons = 0;
    for (func::FuncOp func : tests) {
      SmallVector<HostTensor> results;
      SmallVector<uint64_t> words;
      for (Type type : func.getResultTypes())
        words.push_back(results.emplace_back(cast<RankedTensorType>(type)).word());
      (*jit)->call(func.getName(), words);
      comparisons += results.size() / 2;
      if (failed(compareResults(func, results)))
        signalPassFailure();
    }
    if (summary)
      llvm::outs() << tests.size() << " functions, " << comparisons << " comparisons\n";
  }
};
} // namespace
} // namespace mlir::nanochat
