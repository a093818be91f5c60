#include "lib/Targets/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_EXPANDHALVESPASS
#include "lib/Targets/Passes.h.inc"

namespace {
/// E4M3 (4 bits of exponent around 7, 3 of mantissa, no infinities) to f32: its bits are those of an f32 that is 2^-120
/// times as large, also of denormal numbers.
struct ExpandE4M3 : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ExtFOp op, PatternRewriter &rewriter) const override {
    if (!isa<Float8E4M3FNType>(getElementTypeOrSelf(op.getIn())) || !getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto shaped = dyn_cast<VectorType>(op.getType());
    auto typeOf = [&](Type element) { return shaped ? Type(shaped.clone(element)) : element; };
    auto constant = [&](TypedAttr scalar) -> Value {
      Type type = typeOf(scalar.getType());
      return shaped ? arith::ConstantOp::create(b, SplatElementsAttr::get(cast<VectorType>(type), Attribute(scalar)))
                    : arith::ConstantOp::create(b, scalar);
    };
    auto i32 = [&](int32_t value) { return constant(b.getI32IntegerAttr(value)); };
    auto f32 = [&](double value) { return constant(b.getF32FloatAttr(float(value))); };
    Value narrow = arith::BitcastOp::create(b, typeOf(b.getI8Type()), op.getIn());
    Value bits = arith::ExtUIOp::create(b, typeOf(b.getI32Type()), narrow);
    Value magnitude = arith::AndIOp::create(b, bits, i32(0x7f)),
          sign = arith::ShLIOp::create(b, arith::AndIOp::create(b, bits, i32(0x80)), i32(24));
    Value small = arith::OrIOp::create(b, arith::ShLIOp::create(b, magnitude, i32(20)), sign);
    Value number = arith::MulFOp::create(b, arith::BitcastOp::create(b, op.getType(), small), f32(0x1p120));
    Value isNan = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, magnitude, i32(0x7f));
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, isNan, f32(std::numeric_limits<float>::quiet_NaN()), number);
    return success();
  }
};

struct ExpandHalvesPass : impl::ExpandHalvesPassBase<ExpandHalvesPass> {
  using ExpandHalvesPassBase::ExpandHalvesPassBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandE4M3>(&getContext());
    if (bf16)
      arith::populateExpandBFloat16Patterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace mlir::nanochat
