#include "dialect/Numerics.h"
#include "lib/Quantize/Passes.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_EXPANDTERNARYPASS
#include "lib/Quantize/Passes.h.inc"

namespace {
/// The parameter that `value` is or is a slice of; null if there is none.
ParamOp paramOf(Value value) {
  while (auto arg = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<LoopOp>(arg.getOwner()->getParentOp());
    value = loop ? loop.getSlicedStack(value) : Value();
    if (!value)
      return {};
  }
  return value.getDefiningOp<ParamOp>();
}

struct ExpandTernaryPass : impl::ExpandTernaryPassBase<ExpandTernaryPass> {
  void runOnOperation() override {
    BackwardFormat backward = Numerics::of(getOperation()).backward;
    IRRewriter rewriter(&getContext());
    auto expand = [&](TernaryLinearOp op) -> WalkResult {
      if (BackwardFormat own = op.getGroup() ? BackwardFormat::f32 : backward; !op.getBackward())
        op.setBackwardAttr(BackwardAttr::get(&getContext(), own, own, Rounding::stochastic, -1, Fp4Scale::floor));
      if (failed(op.verify()) || failed(setSite(op, op.getBackwardAttr().hasFp4())))
        return WalkResult::interrupt();
      rewriter.setInsertionPoint(op);
      rewriter.replaceOp(op, *op.decomposeOperation(rewriter));
      return WalkResult::advance();
    };
    auto name = [&](LinearOp op) -> WalkResult {
      bool isFp4 = op.getForward() || (op.getBackward() && op.getBackwardAttr().hasFp4());
      return failed(op.verify()) || failed(setSite(op, isFp4)) ? WalkResult::interrupt() : WalkResult::advance();
    };
    if (getOperation().walk(expand).wasInterrupted() || getOperation().walk(name).wasInterrupted())
      return signalPassFailure();
    getOperation().walk([&](LinearCrossEntropyOp head) {
      if (!head.getBackward())
        head.setBackward(Numerics::of(getOperation()).head);
    });
  }

  /// Names what is of four-bit floats, and may draw random numbers: by its parameter and, of several that share it, a
  /// number.
  template <typename Linear> LogicalResult setSite(Linear op, bool isFp4) {
    if (op.getSite() || !isFp4)
      return success();
    ParamOp param = paramOf(op.getW());
    BackwardAttr backward = op.getBackwardAttr();
    if (!param && backward && backward.draws())
      return op.emitOpError("rounds gradients by chance, and its weights are no parameter, which would name the random "
                            "numbers; say whose they are, as in site \"head\"");
    unsigned number = uses[param]++; // of those that are of none as well
    StringRef name = param ? param.getParamName() : "linear";
    op.setSite((name + (number ? "." + Twine(number) : "")).str());
    return success();
  }

  DenseMap<Operation *, unsigned> uses; // of parameters, so far
};
} // namespace
} // namespace mlir::nanochat
