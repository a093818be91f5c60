#include "lib/Targets/kernels/Kernel.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace {
/// Scalar constants in the type, a float or a vector of them, of the function's argument.
struct Constants {
  ImplicitLocOpBuilder &b;
  Type type;
  Value operator()(double value) { return ofType(type, b.getFloatAttr(getElementTypeOrSelf(type), value)); }
  Value operator()(int32_t value) { return ofType(integers(), b.getI32IntegerAttr(value)); }
  Type integers() {
    auto shaped = dyn_cast<VectorType>(type);
    return shaped ? Type(shaped.clone(b.getI32Type())) : b.getI32Type();
  }
  Value ofType(Type t, TypedAttr value) {
    if (auto shaped = dyn_cast<VectorType>(t))
      return arith::ConstantOp::create(b, SplatElementsAttr::get(shaped, Attribute(value)));
    return arith::ConstantOp::create(b, value);
  }
};

/// c0 + c1·x + c2·x²...
Value polynomial(Constants &c, Value x, ArrayRef<double> coefficients) {
  Value sum = c(coefficients.back());
  for (double next : llvm::reverse(coefficients.drop_back()))
    sum = math::FmaOp::create(c.b, sum, x, c(next));
  return sum;
}

/// sin(x + quarters·π/2). Upstream's form subtracts multiples of π/2 too coarsely for the angles of
/// far positions.
Value sine(Constants &c, Value x, int32_t quarters) {
  ImplicitLocOpBuilder &b = c.b;
  Value turns = math::RoundEvenOp::create(b, arith::MulFOp::create(b, x, c(2 / M_PI)));
  bool isWide = getElementTypeOrSelf(x.getType()).isF64();
  Value r = x;
  // π/2 in parts of the type, subtracted with one rounding each.
  SmallVector<double> parts{1.57079637050628662109375, -4.37113900018624283e-8, -1.7151245100059e-15};
  if (isWide)
    parts = {1.5707963267948966, 6.123233995736766e-17};
  for (double part : parts)
    r = math::FmaOp::create(b, turns, c(-part), r);
  Value square = arith::MulFOp::create(b, r, r);
  SmallVector<double> ofSine{-0.16666659712791443, 0.00833307858556509, -0.00019810690719168633,
                             2.6083159809786594e-06};
  SmallVector<double> ofCosine{-0.5, 4.16666418e-2, -1.38873162e-3, 2.44331571e-5};
  if (isWide) { // Taylor's: the next terms are below half an ulp on π/4
    ofSine = {-1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000};
    ofCosine = {-1.0 / 2,       1.0 / 24,        -1.0 / 720,         1.0 / 40320,
                -1.0 / 3628800, 1.0 / 479001600, -1.0 / 87178291200, 1.0 / 20922789888000};
  }
  Value s = polynomial(c, square, ofSine);
  s = math::FmaOp::create(b, arith::MulFOp::create(b, s, square), r, r);
  Value k = polynomial(c, square, ofCosine);
  k = math::FmaOp::create(b, k, square, c(1.0));
  Value quadrant = arith::FPToSIOp::create(b, c.integers(), turns);
  quadrant = arith::AddIOp::create(b, quadrant, c(quarters));
  auto bit = [&](int32_t mask) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, arith::AndIOp::create(b, quadrant, c(mask)),
                                 c(int32_t(0)));
  };
  Value magnitude = arith::SelectOp::create(b, bit(1), k, s);
  return arith::SelectOp::create(b, bit(2), arith::NegFOp::create(b, magnitude), magnitude);
}

/// Replaces sin (quarters = 0) and cos (quarters = 1) of f32, for angles up to 10^5, and of f64, up to 10^9.
template <typename Op, int32_t quarters> struct ExpandSine : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    Type element = getElementTypeOrSelf(op.getType());
    if (!element.isF32() && !element.isF64())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Constants constants{b, op.getType()};
    rewriter.replaceOp(op, sine(constants, op.getOperand(), quarters));
    return success();
  }
};
/// exp of f64: 2^k·exp(r) with |r| up to ln 2 / 2; 0 below -708, where results are denormal, and infinite above 709.
struct ExpandExponential : OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::ExpOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF64())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Constants c{b, op.getType()};
    Value x = op.getOperand();
    Value r = arith::MinimumFOp::create(b, arith::MaximumFOp::create(b, x, c(-708.0)), c(709.0));
    Value k = math::RoundEvenOp::create(b, arith::MulFOp::create(b, r, c(1 / M_LN2)));
    for (double part : {6.93147180369123816490e-01, 1.90821492927058770002e-10}) // ln 2
      r = math::FmaOp::create(b, k, c(-part), r);
    SmallVector<double> terms{1};
    for (int n = 1; n <= 13; ++n)
      terms.push_back(terms.back() / n);
    auto vector = dyn_cast<VectorType>(op.getType());
    Type wide = vector ? Type(vector.clone(b.getI64Type())) : b.getI64Type();
    Value exponent =
        arith::AddIOp::create(b, arith::FPToSIOp::create(b, wide, k), c.ofType(wide, b.getI64IntegerAttr(1023)));
    Value power = arith::ShLIOp::create(b, exponent, c.ofType(wide, b.getI64IntegerAttr(52)));
    Value scale = arith::BitcastOp::create(b, op.getType(), power);
    Value result = arith::MulFOp::create(b, polynomial(c, r, terms), scale);
    auto where = [&](arith::CmpFPredicate is, double bound, double then) {
      Value isThere = arith::CmpFOp::create(b, is, x, c(bound));
      result = arith::SelectOp::create(b, isThere, c(then), result);
    };
    where(arith::CmpFPredicate::OLT, -708, 0);
    where(arith::CmpFPredicate::OGT, 709, std::numeric_limits<double>::infinity());
    rewriter.replaceOp(op, result);
    return success();
  }
};
/// max(a, |b|) by the order of bits, which is that of floats where signs are zero, NaN being largest: one instruction
/// instead of six that tell NaNs and zeros apart. A negative NaN in `a`, which no maximum of magnitudes is, would be
/// lost.
struct MaxOfMagnitudes : OpRewritePattern<arith::MaximumFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::MaximumFOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32() || !op.getRhs().getDefiningOp<math::AbsFOp>())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type bits = Constants{b, op.getType()}.integers();
    auto bitsOf = [&](Value x) -> Value { return arith::BitcastOp::create(b, bits, x); };
    Value most = arith::MaxSIOp::create(b, bitsOf(op.getLhs()), bitsOf(op.getRhs()));
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(), most);
    return success();
  }
};
} // namespace

LogicalResult nanochat::expandMath(func::FuncOp kernel) {
  RewritePatternSet patterns(kernel.getContext());
  patterns.add<ExpandSine<math::SinOp, 0>, ExpandSine<math::CosOp, 1>, ExpandExponential, MaxOfMagnitudes>(
      kernel.getContext());
  populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
    return llvm::is_contained({"math.exp", "math.log", "math.log1p", "math.tanh", "math.erf", "math.expm1"}, name);
  });
  return applyPatternsGreedily(kernel, std::move(patterns));
}
