#include "dialect/Formats.h"
#include "dialect/ops/quantize/Fp4.h"
#include "lib/Fusion/Passes.h"
#include "lib/Targets/Target.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_EXPANDFP4PASS
#include "lib/Fusion/Passes.h.inc"

namespace {
/// A factor in packed codes.
struct Packed {
  Value pairs, scales;
};

struct ExpandFp4Pass : impl::ExpandFp4PassBase<ExpandFp4Pass> {
  void runOnOperation() override {
    FailureOr<Target> row = targetOf(getOperation());
    if (failed(row))
      return signalPassFailure();
    IRRewriter rewriter(&getContext());
    SmallVector<LinearOp> linears;
    getOperation().walk([&](LinearOp op) {
      if (op.getForward())
        linears.push_back(op);
    });
    for (LinearOp op : linears) {
      rewriter.setInsertionPoint(op);
      rewriter.replaceOp(op, *op.decomposeOperation(rewriter));
    }
    SmallVector<BlockMatmulOp> products;
    getOperation().walk([&](BlockMatmulOp op) { products.push_back(op); });
    for (BlockMatmulOp op : products) {
      ImplicitLocOpBuilder b(op.getLoc(), rewriter);
      b.setInsertionPoint(op);
      std::optional<Fp4Format> format = formatFor(op, *row);
      Value product = format ? packedProduct(b, op, *format) : floatProduct(b, op);
      Value factor = op.getFactor();
      if (format) // codes are twice the numbers that pairs stand for
        factor = mul(b, factor, constant(b, factor.getType(), 4));
      rewriter.replaceOp(op, pointwise(b, {product, factor},
                                       [](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, v[0], v[1]); }));
    }
  }

  /// The format that tensor cores multiply the product in, if they do.
  static std::optional<Fp4Format> formatFor(BlockMatmulOp op, const Target &row) {
    bool isWhole = row.multipliesFp4(op.getA().getType().getDimSize(!op.getTransA()));
    if (!isWhole || op.getLimit() > kLargestFp4Code || !op.getY().getType().getElementType().isF32() ||
        typeOf(op.getB()).getRank() != 2)
      return std::nullopt;
    std::optional<Fp4Format> format;
    for (auto [codes, scales, axis] : {std::tuple(Value(op.getA()), op.getAScales(), !op.getTransA()),
                                       std::tuple(Value(op.getB()), op.getBScales(), op.getTransB())}) {
      auto quantizer = codes.getDefiningOp<QuantizeFp4Op>();
      if (bool(quantizer) != bool(scales)) // codes without scales are ternary
        return std::nullopt;
      if (quantizer && (quantizer.getScales() != scales || quantizer.getAxis() != axis ||
                        (format && *format != quantizer.getFormat())))
        return std::nullopt;
      if (quantizer)
        format = quantizer.getFormat();
    }
    return format && factsOf(*format).block == int64_t(op.getBlock()) ? format : std::nullopt;
  }

  /// Of codes that a quantiser makes, or of ternary weights; `axis` is what is summed over.
  static Packed pack(ImplicitLocOpBuilder &b, Value codes, Value scales, int64_t axis) {
    auto quantizer = codes.getDefiningOp<QuantizeFp4Op>();
    if (!quantizer)
      return {PackFp4Op::create(b, codes, axis), scales};
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(quantizer);
    auto packed = QuantizeFp4Op::create(b, quantizer.getFormat(), quantizer.getX(), axis, quantizer.getScale(),
                                        quantizer.getRun(), /*packed=*/true, /*panels=*/false,
                                        quantizer.getTensorScale(), quantizer.getDraws());
    return {packed.getCodes(), packed.getScales()};
  }

  static Value packedProduct(ImplicitLocOpBuilder &b, BlockMatmulOp op, Fp4Format format) {
    Packed x = pack(b, op.getA(), op.getAScales(), !op.getTransA()),
           y = pack(b, op.getB(), op.getBScales(), op.getTransB());
    return Fp4MatmulOp::create(b, format, x.pairs, x.scales, y.pairs, y.scales);
  }

  static Value floatProduct(ImplicitLocOpBuilder &b, BlockMatmulOp op) {
    Type element = op.getY().getType().getElementType();
    Value x = dequantizeBlocks(b, op.getA(), op.getAScales(), !op.getTransA(), op.getBlock(), element),
          y = dequantizeBlocks(b, op.getB(), op.getBScales(), op.getTransB(), op.getBlock(), element);
    return MatmulOp::create(b, x, y, op.getTransA(), op.getTransB());
  }
};
} // namespace
} // namespace mlir::nanochat
