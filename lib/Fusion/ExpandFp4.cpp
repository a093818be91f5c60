#include "dialect/Formats.h"
#include "dialect/ops/quantize/Fp4.h"
#include "lib/Fusion/Passes.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_EXPANDFP4PASS
#include "lib/Fusion/Passes.h.inc"

namespace {
/// What codes with scales of blocks along `axis` stand for.
Value dequantize(ImplicitLocOpBuilder &b, Value codes, Value scales, unsigned axis, int64_t block, Type element) {
  SmallVector<Value> ins{codes};
  SmallVector<AffineMap> maps{b.getMultiDimIdentityMap(2)};
  if (scales) {
    ins.push_back(scales);
    maps.push_back(blockMap(b.getContext(), axis, block));
  }
  return pointwise(b, withElement(typeOf(codes), element), ins, maps, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Value number = decode(s, Format::int8, v[0], element);
    return scales ? mul(s, number, decode(s, scaleFormatOf(scales.getType()), v[1], element)) : number;
  });
}

struct ExpandFp4Pass : impl::ExpandFp4PassBase<ExpandFp4Pass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](Operation *op) {
      rewriter.setInsertionPoint(op);
      if (auto product = dyn_cast<BlockMatmulOp>(op))
        rewriter.replaceOp(op, expand(product, rewriter));
      else if (isa<HadamardOp, QuantizeFp4Op>(op))
        rewriter.replaceOp(op, *cast<linalg::AggregatedOpInterface>(op).decomposeOperation(rewriter));
    });
  }

  static Value expand(BlockMatmulOp op, OpBuilder &builder) {
    ImplicitLocOpBuilder b(op.getLoc(), builder);
    Type element = op.getY().getType().getElementType();
    Value x = dequantize(b, op.getA(), op.getAScales(), !op.getTransA(), op.getBlock(), element),
          y = dequantize(b, op.getB(), op.getBScales(), op.getTransB(), op.getBlock(), element);
    Value product = MatmulOp::create(b, x, y, op.getTransA(), op.getTransB());
    return pointwise(b, {product, op.getFactor()},
                     [](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, v[0], v[1]); });
  }
};
} // namespace
} // namespace mlir::nanochat
