#include "dialect/Numerics.h"
#include "lib/Quantize/Passes.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_DISSOLVEREGIONSPASS
#include "lib/Quantize/Passes.h.inc"

namespace {
struct DissolveRegionsPass : impl::DissolveRegionsPassBase<DissolveRegionsPass> {
  void runOnOperation() override {
    BackwardFormat otherwise = Numerics::of(getOperation()).backward;
    IRRewriter rewriter(&getContext());
    getOperation().walk<WalkOrder::PostOrder>([&](Fp4RegionOp region) {
      auto formatOf = [&](BackwardGemms gemm) {
        return bitEnumContainsAll(region.getGemms(), gemm) ? BackwardFormat(region.getFormat()) : otherwise;
      };
      auto backward = BackwardAttr::get(&getContext(), formatOf(BackwardGemms::dx), formatOf(BackwardGemms::dw),
                                        region.getRounding(), region.getHadamard(), region.getScale());
      region.walk([&](TernaryLinearOp linear) {
        if (!linear.getBackward())
          linear.setBackwardAttr(backward);
      });
      auto yield = cast<YieldOp>(region.getBody().front().getTerminator());
      SmallVector<Value> results(yield.getValues());
      rewriter.eraseOp(yield);
      rewriter.inlineBlockBefore(&region.getBody().front(), region);
      rewriter.replaceOp(region, results);
    });
  }
};
} // namespace
} // namespace mlir::nanochat
