#include "dialect/Formats.h"
#include "dialect/Linalg.h"
#include "lib/Targets/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_EXPANDNARROWFLOATSPASS
#include "lib/Targets/Passes.h.inc"

namespace {
/// Integer arithmetic on floats of 8 bits, by what LLVM says of their type: a sign, exponents from `least` on,
/// `mantissa` bits; numbers end with infinities or with NaN alone. Elements may be vectors.
class NarrowFloat {
public:
  NarrowFloat(ImplicitLocOpBuilder &b, Type type, Type shape) : b(b), type(type), shape(shape) {
    const llvm::fltSemantics &semantics = cast<FloatType>(type).getFloatSemantics();
    mantissa = llvm::APFloat::semanticsPrecision(semantics) - 1;
    least = llvm::APFloat::semanticsMinExponent(semantics);
    hasInfinity = llvm::APFloat::semanticsHasInf(semantics);
  }
  /// Has `type` the form above?
  static bool knows(Type type) { return isa<Float8E4M3FNType, Float8E4M3Type, Float8E5M2Type, Float8E3M4Type>(type); }

  /// The type of scalars or vectors with such elements.
  Type typeOf(Type element) { return withElementOf(shape, element); }

  /// The bits are those of an f32 that is a power of two too small, also of denormal numbers.
  Value toF32(Value narrow) {
    Value bits =
        arith::ExtUIOp::create(b, typeOf(b.getI32Type()), arith::BitcastOp::create(b, typeOf(b.getI8Type()), narrow));
    Value magnitude = arith::AndIOp::create(b, bits, i32(0x7f)),
          sign = arith::ShLIOp::create(b, arith::AndIOp::create(b, bits, i32(0x80)), i32(24));
    Value small = arith::OrIOp::create(b, arith::ShLIOp::create(b, magnitude, i32(23 - mantissa)), sign);
    Value number = arith::MulFOp::create(b, asF32(small), f32(std::ldexp(1.0, 126 + least)));
    // Above the finite ones: with all bits of f32's exponent.
    Value special = asF32(arith::OrIOp::create(b, small, i32(0x7f800000)));
    return arith::SelectOp::create(b, compare(arith::CmpIPredicate::uge, magnitude, firstSpecial()), special, number);
  }

  /// To the nearest, half to even.
  Value fromF32(Value number) {
    Value bits = arith::BitcastOp::create(b, typeOf(b.getI32Type()), number);
    Value magnitude = arith::AndIOp::create(b, bits, i32(0x7fffffff)), absolute = asF32(magnitude);
    Value sign = arith::AndIOp::create(b, arith::ShRUIOp::create(b, bits, i32(24)), i32(0x80));
    // Round half to even: add half a unit less one and the last bit that is kept, shift; then rebase the exponent.
    int shift = 23 - mantissa;
    Value odd = arith::AndIOp::create(b, arith::ShRUIOp::create(b, magnitude, i32(shift)), i32(1));
    Value rounded = arith::AddIOp::create(b, arith::AddIOp::create(b, magnitude, odd), i32((1 << (shift - 1)) - 1));
    Value normal =
        arith::SubIOp::create(b, arith::ShRUIOp::create(b, rounded, i32(shift)), i32((126 + least) << mantissa));
    // Below, all have one unit: that of an f32 so large that its last bit is it.
    Value large = f32(std::ldexp(1.0, least - mantissa + 23));
    Value sum = arith::BitcastOp::create(b, typeOf(b.getI32Type()), arith::AddFOp::create(b, absolute, large));
    Value denormal = arith::SubIOp::create(b, sum, arith::BitcastOp::create(b, typeOf(b.getI32Type()), large));
    Value isSmall = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, absolute, f32(std::ldexp(1.0, least)));
    Value code = arith::SelectOp::create(b, isSmall, denormal, normal);
    code = arith::MinUIOp::create(b, code, i32(firstSpecial()));
    Value isNan = compare(arith::CmpIPredicate::ugt, magnitude, 0x7f800000);
    code = arith::OrIOp::create(b, arith::SelectOp::create(b, isNan, i32(0x7f), code), sign);
    return arith::BitcastOp::create(b, typeOf(type), arith::TruncIOp::create(b, typeOf(b.getI8Type()), code));
  }

private:
  /// The code behind the largest number: infinity, or the one NaN.
  int32_t firstSpecial() const { return hasInfinity ? 0x7f >> mantissa << mantissa : 0x7f; }
  Value i32(int32_t value) { return constant(b, typeOf(b.getI32Type()), value); }
  Value f32(double value) { return constant(b, typeOf(b.getF32Type()), value); }
  Value asF32(Value bits) { return arith::BitcastOp::create(b, typeOf(b.getF32Type()), bits); }
  Value compare(arith::CmpIPredicate predicate, Value x, int32_t y) {
    return arith::CmpIOp::create(b, predicate, x, i32(y));
  }

  ImplicitLocOpBuilder &b;
  Type type;
  Type shape;
  int mantissa, least;
  bool hasInfinity;
};

/// arith.extf from such a float, or arith.truncf to one; through f32.
template <typename OpTy> struct ExpandConversion : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;
  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    constexpr bool widens = std::is_same_v<OpTy, arith::ExtFOp>;
    Type small = getElementTypeOrSelf(widens ? op.getIn().getType() : op.getType());
    if (!NarrowFloat::knows(small))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    NarrowFloat narrow(b, small, op.getType());
    rewriter.replaceOp(op, widens ? convertFloat(b, narrow.toF32(op.getIn()), op.getType())
                                  : narrow.fromF32(convertFloat(b, op.getIn(), narrow.typeOf(b.getF32Type()))));
    return success();
  }
};

struct ExpandNarrowFloatsPass : impl::ExpandNarrowFloatsPassBase<ExpandNarrowFloatsPass> {
  using ExpandNarrowFloatsPassBase::ExpandNarrowFloatsPassBase;
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandConversion<arith::ExtFOp>, ExpandConversion<arith::TruncFOp>>(&getContext());
    if (bf16)
      arith::populateExpandBFloat16Patterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace mlir::nanochat
