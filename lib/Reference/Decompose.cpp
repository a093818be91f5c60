// From compute ops to linalg, arith, math, tensor and scf, through the ops' own decompositions.
#include "dialect/Nanochat.h"
#include "lib/Reference/Passes.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_DECOMPOSEPASS
#include "lib/Reference/Passes.h.inc"

/// The outermost of our decomposable ops: what is nested in one moves when it is decomposed.
static SmallVector<linalg::AggregatedOpInterface> outermost(Operation *root) {
  SmallVector<linalg::AggregatedOpInterface> found;
  root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    auto aggregated = dyn_cast<linalg::AggregatedOpInterface>(op);
    if (!aggregated || !isa<NanochatDialect>(op->getDialect()))
      return WalkResult::advance();
    found.push_back(aggregated);
    return WalkResult::skip();
  });
  return found;
}

LogicalResult decomposeAll(Operation *root) {
  IRRewriter rewriter(root->getContext());
  for (auto work = outermost(root); !work.empty(); work = outermost(root))
    for (linalg::AggregatedOpInterface op : work) {
      rewriter.setInsertionPoint(op);
      FailureOr<SmallVector<Value>> values = op.decomposeOperation(rewriter);
      if (failed(values))
        return op->emitOpError("could not be decomposed");
      rewriter.replaceOp(op, *values);
    }
  return success();
}

namespace {
struct DecomposePass : impl::DecomposePassBase<DecomposePass> {
  void runOnOperation() override {
    if (failed(decomposeAll(getOperation())))
      signalPassFailure();
  }
};
} // namespace
} // namespace mlir::nanochat
