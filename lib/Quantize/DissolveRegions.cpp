#include "dialect/Numerics.h"
#include "lib/Quantize/Passes.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_DISSOLVEREGIONSPASS
#include "lib/Quantize/Passes.h.inc"

namespace {
bool names(Fp4RegionOp region, LinearGemms gemm) { return bitEnumContainsAll(region.getGemms(), gemm); }

/// What gradients of a linear in the region are of, and `otherwise` where it does not name them.
BackwardAttr backwardOf(Fp4RegionOp region, BackwardFormat otherwise) {
  auto formatOf = [&](LinearGemms gemm) {
    return names(region, gemm) ? BackwardFormat(region.getFormat()) : otherwise;
  };
  auto attr = BackwardAttr::get(region.getContext(), formatOf(LinearGemms::dx), formatOf(LinearGemms::dw), std::nullopt,
                                region.getHadamard(), region.getScale());
  return attr.withRounding(region.getRounding());
}

void tell(LinearOp linear, Fp4RegionOp region) {
  if (linear.getBackward() || linear.getForward())
    return;
  linear.setBackwardAttr(backwardOf(region, BackwardFormat::f32));
  if (!names(region, LinearGemms::y))
    return;
  linear.setForward(region.getFormat());
  if (auto dge = region.getDgeAttr())
    linear.setDgeAttr(dge);
  if (auto clip = region.getClipAttr())
    linear.setClipAttr(clip);
  if (auto occ = region.getOccAttr())
    linear.setOccAttr(occ);
}

struct DissolveRegionsPass : impl::DissolveRegionsPassBase<DissolveRegionsPass> {
  void runOnOperation() override {
    BackwardFormat otherwise = Numerics::of(getOperation()).backward;
    IRRewriter rewriter(&getContext());
    getOperation().walk<WalkOrder::PostOrder>([&](Fp4RegionOp region) {
      BackwardAttr backward = backwardOf(region, otherwise);
      region.walk([&](TernaryLinearOp linear) {
        if (!linear.getBackward())
          linear.setBackwardAttr(backward);
      });
      region.walk([&](LinearOp linear) { tell(linear, region); });
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
