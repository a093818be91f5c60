#include "dialect/Numerics.h"
#include "lib/Quantize/Passes.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_DISSOLVEREGIONSPASS
#include "lib/Quantize/Passes.h.inc"

namespace {
/// Dense linears have gradients in floats where the region does not name them.
void tell(LinearOp linear, Fp4RegionOp region) {
  if (linear.getBackward() || linear.getForward())
    return;
  auto has = [&](LinearGemms gemm) { return bitEnumContainsAll(region.getGemms(), gemm); };
  auto formatOf = [&](LinearGemms gemm) {
    return has(gemm) ? BackwardFormat(region.getFormat()) : BackwardFormat::f32;
  };
  linear.setBackwardAttr(BackwardAttr::get(linear.getContext(), formatOf(LinearGemms::dx), formatOf(LinearGemms::dw),
                                           region.getRounding(), region.getHadamard(), region.getScale()));
  if (!has(LinearGemms::y))
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
      auto formatOf = [&](LinearGemms gemm) {
        return bitEnumContainsAll(region.getGemms(), gemm) ? BackwardFormat(region.getFormat()) : otherwise;
      };
      auto backward = BackwardAttr::get(&getContext(), formatOf(LinearGemms::dx), formatOf(LinearGemms::dw),
                                        region.getRounding(), region.getHadamard(), region.getScale());
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
