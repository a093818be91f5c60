// The gradients of a ternary product in four-bit floats (arXiv:2502.20586, arXiv:2509.25149).
#include "dialect/ops/quantize/Fp4.h"

using namespace mlir;
using namespace mlir::nanochat;

int64_t mlir::nanochat::transformedRows(BackwardAttr backward) {
  auto format = symbolizeFp4Format(unsigned(backward.getDw()));
  return !format ? 0 : backward.getHadamard() < 0 ? factsOf(*format).run : backward.getHadamard();
}

namespace {
/// A matrix in four-bit floats, and what a product with it is to be multiplied by.
struct Quantized {
  QuantizeFp4Op op;
  Value factor; // rank 0
};
} // namespace

/// `site` is where random numbers come from, if the matrix is rounded by them.
static Quantized quantize(ImplicitLocOpBuilder &b, Fp4Format format, Fp4Scale scale, Value x, int64_t axis, int64_t run,
                          std::optional<std::string> site) {
  Value tensor;
  if (format == Fp4Format::nvfp4) { // whose scale is of what is transformed
    x = run ? HadamardOp::create(b, x, run).getResult() : x;
    tensor = TensorScaleOp::create(b, x);
    run = 0;
  }
  Value draws = site ? DrawsOp::create(b, *site).getResult() : Value();
  auto op = QuantizeFp4Op::create(b, format, x, axis, scale, run, tensor, draws);
  Value factor = constant(b, withShape(typeOf(x), {}), op.getFactor() / 2); // codes are twice the numbers
  return {op, tensor ? div(b, factor, tensor) : factor};
}

/// Where the gradients of `op` draw random numbers for the product `role`; none if they round to nearest.
static std::optional<std::string> siteOf(TernaryMatmulOp op, StringRef role) {
  if (op.getBackwardAttr().getRounding() == Rounding::nearest)
    return std::nullopt;
  return (*op.getSite() + "." + role).str();
}

Value mlir::nanochat::fp4InputGrad(ImplicitLocOpBuilder &b, TernaryMatmulOp op, Value dy) {
  BackwardAttr backward = op.getBackwardAttr();
  Fp4Format format = *symbolizeFp4Format(unsigned(backward.getDx()));
  // Not transformed: weights would no longer be ternary.
  Quantized grad = quantize(b, format, backward.getScale(), dy, /*axis=*/1, /*run=*/0, siteOf(op, "dx"));
  return BlockMatmulOp::create(b, grad.op.getCodes(), grad.op.getScales(), op.getT(), /*b_scales=*/Value(),
                               mul(b, grad.factor, op.getGamma()), factsOf(format).block, false, false);
}

Value mlir::nanochat::fp4WeightGrad(ImplicitLocOpBuilder &b, TernaryMatmulOp op, Value dy) {
  BackwardAttr backward = op.getBackwardAttr();
  Fp4Format format = *symbolizeFp4Format(unsigned(backward.getDw()));
  Value x = DequantizeRowsOp::create(b, op.getQ(), op.getS());
  int64_t run = transformedRows(backward);
  Quantized grad = quantize(b, format, backward.getScale(), dy, /*axis=*/0, run, siteOf(op, "dw")),
            input = quantize(b, format, backward.getScale(), x, /*axis=*/0, run, std::nullopt);
  Value factor = mul(b, grad.factor, input.factor);
  if (run)
    factor = mul(b, factor, constant(b, factor.getType(), 1.0 / run));
  return BlockMatmulOp::create(b, grad.op.getCodes(), grad.op.getScales(), input.op.getCodes(), input.op.getScales(),
                               factor, factsOf(format).block, /*trans_a=*/true, false);
}
