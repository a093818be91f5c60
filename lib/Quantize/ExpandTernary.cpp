#include "dialect/Numerics.h"
#include "lib/Quantize/Passes.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_EXPANDTERNARYPASS
#include "lib/Quantize/Passes.h.inc"

namespace {
struct ExpandTernaryPass : impl::ExpandTernaryPassBase<ExpandTernaryPass> {
  void runOnOperation() override {
    StringRef backward = stringifyFormat(Numerics::of(getOperation()).backward);
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](TernaryLinearOp op) {
      if (op.getBackward() == "auto")
        op.setBackward(backward);
      rewriter.setInsertionPoint(op);
      rewriter.replaceOp(op, *op.decomposeOperation(rewriter));
    });
  }
};
} // namespace
} // namespace mlir::nanochat
