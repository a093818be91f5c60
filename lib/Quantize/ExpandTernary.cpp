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
    Numerics numerics = Numerics::of(getOperation());
    bool draws = false;
    // What an op leaves to the module; `format` where it says nothing.
    auto choose = [&](auto op, BackwardFormat format, std::optional<Rounding> rounding) {
      if (!op.getBackward() && format != BackwardFormat::f32)
        op.setBackwardAttr(plain(format));
      if (op.getBackward())
        op.setBackwardAttr(op.getBackwardAttr().withRounding(rounding));
      draws |= op.getBackward() && op.getBackwardAttr().draws();
      return success(succeeded(op.verify()) && succeeded(setSite(op)));
    };
    IRRewriter rewriter(&getContext());
    WalkResult result = getOperation().walk([&](Operation *op) -> WalkResult {
      if (auto head = dyn_cast<LinearCrossEntropyOp>(op))
        // To nearest, small probabilities would all be 0.
        return choose(head, numerics.head, numerics.rounding.value_or(Rounding::stochastic));
      if (auto linear = dyn_cast<LinearOp>(op))
        return choose(linear, BackwardFormat::f32, numerics.rounding);
      auto ternary = dyn_cast<TernaryLinearOp>(op);
      if (!ternary)
        return WalkResult::advance();
      if (failed(choose(ternary, ternary.getGroup() ? BackwardFormat::f32 : numerics.backward, numerics.rounding)))
        return WalkResult::interrupt();
      if (!ternary.getBackward())
        ternary.setBackwardAttr(plain(BackwardFormat::f32));
      rewriter.setInsertionPoint(op);
      rewriter.replaceOp(op, *ternary.decomposeOperation(rewriter));
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    if (numerics.rounding == Rounding::stochastic && !draws)
      getOperation().emitWarning(
          "rounding = stochastic rounds nothing: no gradient is in int8 or four-bit floats, which "
          "--backward and --head choose");
  }

  BackwardAttr plain(BackwardFormat format) {
    return BackwardAttr::get(&getContext(), format, format, std::nullopt, -1, Fp4Scale::floor);
  }

  /// Names what has products of four-bit floats, or draws random numbers: by its parameter and, of several that share
  /// it, a number.
  template <typename Linear> LogicalResult setSite(Linear op) {
    BackwardAttr backward = op.getBackwardAttr();
    bool isNamed = backward && (backward.hasFp4() || backward.draws());
    if constexpr (std::is_same_v<Linear, LinearOp>)
      isNamed |= op.getForward().has_value();
    if (op.getSite() || !isNamed)
      return success();
    ParamOp param = paramOf(op.getW());
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
