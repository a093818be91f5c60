// Products of linears in four-bit floats: of their gradients (arXiv:2502.20586, arXiv:2509.25149) and, where they are
// dense, their own (arXiv:2501.17116).
#include "dialect/Formats.h"
#include "dialect/ops/quantize/Fp4.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::nanochat;

int64_t mlir::nanochat::transformedRows(BackwardAttr backward) {
  auto format = symbolizeFp4Format(unsigned(backward.getDw()));
  return !format ? 0 : backward.getHadamard() < 0 ? factsOf(*format).run : backward.getHadamard();
}

LogicalResult mlir::nanochat::verifyBlocks(Operation *op, StringRef what, int64_t length, int64_t unit, StringRef of) {
  if (length % unit == 0)
    return success();
  InFlightDiagnostic diag = op->emitOpError("has ") << length << " " << what << ", which blocks of " << unit
                                                    << " of its " << of << " do not divide";
  int64_t below = length / unit * unit;
  auto &note = diag.attachNote() << "the nearest that fit are ";
  if (below)
    note << below << " and ";
  note << below + unit << "; models take sizes by --set, such as --set batch=2";
  return diag;
}

LogicalResult mlir::nanochat::verifyBlocks(Operation *op, BackwardAttr backward, int64_t tokens, int64_t outputs) {
  if (auto format = symbolizeFp4Format(unsigned(backward.getDx())))
    if (failed(verifyBlocks(op, "outputs", outputs, factsOf(*format).block)))
      return failure();
  if (auto format = symbolizeFp4Format(unsigned(backward.getDw())))
    return verifyBlocks(op, "tokens", tokens, std::max(factsOf(*format).block, transformedRows(backward)));
  return success();
}

namespace {
/// A matrix in four-bit floats, and what a product with it is to be multiplied by.
struct Quantized {
  QuantizeFp4Op op;
  Value factor; // rank 0

  /// What the codes stand for.
  Value decode(ImplicitLocOpBuilder &b) {
    Value scaled = dequantizeBlocks(b, op.getCodes(), op.getScales(), op.getAxis(), factsOf(op.getFormat()).block,
                                    op.getX().getType().getElementType());
    return pointwise(b, {scaled, factor}, [](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, v[0], v[1]); });
  }
};
} // namespace

Value mlir::nanochat::dequantizeBlocks(ImplicitLocOpBuilder &b, Value codes, Value scales, unsigned axis, int64_t block,
                                       Type element) {
  SmallVector<Value> ins{codes};
  SmallVector<AffineMap> maps{b.getMultiDimIdentityMap(2)};
  if (scales) {
    ins.push_back(scales);
    maps.push_back(blockMap(b.getContext(), axis, block));
  }
  return pointwise(b, withElement(typeOf(codes), element), ins, maps, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Value number = mlir::nanochat::decode(s, Format::int8, v[0], element);
    return scales ? mul(s, number, mlir::nanochat::decode(s, scaleFormatOf(scales.getType()), v[1], element)) : number;
  });
}

/// `site` is where random numbers come from, if the matrix is rounded by them.
static Quantized quantize(ImplicitLocOpBuilder &b, Fp4Format format, Fp4Scale scale, Value x, int64_t axis, int64_t run,
                          std::optional<std::string> site = {}) {
  Value tensor;
  if (format == Fp4Format::nvfp4) { // whose scale is of what is transformed
    x = run ? HadamardOp::create(b, x, run).getResult() : x;
    tensor = TensorScaleOp::create(b, x);
    run = 0;
  }
  Value draws = site ? DrawsOp::create(b, *site).getResult() : Value();
  auto op = QuantizeFp4Op::create(b, format, x, axis, scale, run, /*packed=*/false, /*panels=*/false, tensor, draws);
  Value factor = constant(b, withShape(typeOf(x), {}), op.getFactor() / 2); // codes are twice the numbers
  return {op, tensor ? div(b, factor, tensor) : factor};
}

std::string mlir::nanochat::nameOf(StringAttr site, StringRef role) {
  return ((site ? site.str() + "." : "") + role).str();
}

/// The gradient of a linear, quantised for the product `role`.
static Quantized quantizeGrad(ImplicitLocOpBuilder &b, BackwardAttr backward, BackwardFormat format, StringAttr site,
                              StringRef role, Value dy, int64_t axis, int64_t run) {
  return quantize(b, *symbolizeFp4Format(unsigned(format)), backward.getScale(), dy, axis, run,
                  backward.draws(format) ? std::optional(nameOf(site, role)) : std::nullopt);
}

static Value multiply(ImplicitLocOpBuilder &b, Quantized a, Value codes, Value scales, Value factor, bool transA,
                      bool transB, StringAttr name) {
  return BlockMatmulOp::create(b, a.op.getCodes(), a.op.getScales(), codes, scales, mul(b, a.factor, factor),
                               factsOf(a.op.getFormat()).block, transA, transB, name, kLargestFp4Code);
}

Value mlir::nanochat::fp4InputGrad(ImplicitLocOpBuilder &b, BackwardAttr backward, StringAttr site, Value dy, Value t,
                                   Value gamma) {
  // Not transformed: weights would no longer be ternary.
  Quantized grad = quantizeGrad(b, backward, backward.getDx(), site, "dx", dy, /*axis=*/1, /*run=*/0);
  return multiply(b, grad, t, Value(), gamma, false, false, b.getStringAttr(nameOf(site, "dx")));
}

Value mlir::nanochat::fp4InputGrad(ImplicitLocOpBuilder &b, BackwardAttr backward, StringAttr site, Value dy, Value w) {
  Quantized grad = quantizeGrad(b, backward, backward.getDx(), site, "dx", dy, /*axis=*/1, /*run=*/0);
  Quantized weight = quantize(b, grad.op.getFormat(), backward.getScale(), w, /*axis=*/0, /*run=*/0);
  return multiply(b, grad, weight.op.getCodes(), weight.op.getScales(), weight.factor, false, false,
                  b.getStringAttr(nameOf(site, "dx")));
}

Value mlir::nanochat::fp4WeightGrad(ImplicitLocOpBuilder &b, BackwardAttr backward, StringAttr site, Value dy,
                                    Value x) {
  int64_t run = transformedRows(backward);
  Quantized grad = quantizeGrad(b, backward, backward.getDw(), site, "dw", dy, /*axis=*/0, run);
  Quantized input = quantize(b, grad.op.getFormat(), backward.getScale(), x, /*axis=*/0, run);
  Value factor = input.factor;
  if (run)
    factor = mul(b, factor, constant(b, factor.getType(), 1.0 / run));
  return multiply(b, grad, input.op.getCodes(), input.op.getScales(), factor, true, false,
                  b.getStringAttr(nameOf(site, "dw")));
}

//===--- forward -----------------------------------------------------------------------------===//

/// A factor of a forward product: to nearest, and nothing above 6.
static Quantized quantizeFactor(ImplicitLocOpBuilder &b, Fp4Format format, Value x) {
  return quantize(b, format, format == Fp4Format::mxfp4 ? Fp4Scale::up : Fp4Scale::floor, x, /*axis=*/1, /*run=*/0);
}

/// x without the outliers of its rows.
static Value clampRows(ImplicitLocOpBuilder &b, LinearOp op) {
  double alpha = op.getOcc().convertToDouble();
  int64_t inputs = typeOf(op.getX()).getDimSize(1);
  if (alpha == 0)
    return op.getX();
  int64_t high = std::min<int64_t>(alpha * inputs, inputs - 1), low = std::min<int64_t>((1 - alpha) * inputs, high);
  return ClampRowsOp::create(b, op.getX(), low, high);
}

Value mlir::nanochat::fp4Linear(ImplicitLocOpBuilder &b, LinearOp op) {
  Value clamped = clampRows(b, op);
  Quantized x = quantizeFactor(b, *op.getForward(), clamped), w = quantizeFactor(b, *op.getForward(), op.getW());
  Value y = multiply(b, x, w.op.getCodes(), w.op.getScales(), w.factor, false, true, StringAttr());
  if (clamped == op.getX())
    return y;
  return add(b, y, MatmulOp::create(b, sub(b, op.getX(), clamped), op.getW(), false, true));
}

Value mlir::nanochat::fp4Input(ImplicitLocOpBuilder &b, LinearOp op) {
  Value clamped = clampRows(b, op), x = quantizeFactor(b, *op.getForward(), clamped).decode(b);
  return clamped == op.getX() ? x : add(b, x, sub(b, op.getX(), clamped));
}

Value mlir::nanochat::fp4Weight(ImplicitLocOpBuilder &b, LinearOp op) {
  return quantizeFactor(b, *op.getForward(), op.getW()).decode(b);
}

/// Of `size` within [low, low + width]: min(|2u − 1|^(1/k − 1)/k, clip).
static Value slopeAt(ImplicitLocOpBuilder &s, Value size, Value low, Value width, double k, double clip) {
  auto c = [&](double value) { return constant(s, size.getType(), value); };
  Value u = div(s, sub(s, size, low), width), from = math::AbsFOp::create(s, sub(s, add(s, u, u), c(1)));
  Value power =
      math::ExpOp::create(s, mul(s, math::LogOp::create(s, arith::MaximumFOp::create(s, from, c(1e-6))), c(1 / k - 1)));
  return arith::MinimumFOp::create(s, mul(s, power, c(1 / k)), c(clip));
}

Value mlir::nanochat::fp4Slope(ImplicitLocOpBuilder &b, LinearOp op) {
  QuantizeFp4Op w = quantizeFactor(b, *op.getForward(), op.getW()).op;
  double k = op.getDge().convertToDouble(), clip = op.getClip().convertToDouble();
  SmallVector<Value> ins{op.getW(), w.getScales()};
  MLIRContext *ctx = b.getContext();
  SmallVector<AffineMap> maps{b.getMultiDimIdentityMap(2), blockMap(ctx, 1, factsOf(w.getFormat()).block)};
  if (Value tensor = w.getTensorScale()) {
    ins.push_back(tensor);
    maps.push_back(projection(ctx, 2, {}));
  }
  return pointwise(b, op.getW().getType(), ins, maps, [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    Type type = v[0].getType();
    auto c = [&](double value) { return constant(s, type, value); };
    Value inverse = inverseScale(s, w, v[1], v.size() > 2 ? v[2] : Value(), type);
    Value size = arith::MinimumFOp::create(s, math::AbsFOp::create(s, mul(s, v[0], inverse)), c(6));
    // Intervals of E2M1: a half wide to 2, one to 4, two to 6.
    auto below = [&](double limit, Value then, Value other) -> Value {
      Value is = arith::CmpFOp::create(s, arith::CmpFPredicate::OLT, size, c(limit));
      return arith::SelectOp::create(s, is, then, other);
    };
    Value width = below(2, c(0.5), below(4, c(1), c(2)));
    Value low = arith::MinimumFOp::create(s, mul(s, math::FloorOp::create(s, div(s, size, width)), width), c(4));
    return slopeAt(s, size, low, width, k, clip);
  });
}
