// Gradients of the pointwise arith and math ops that models and decompositions use on tensors,
// one row per op. Ops that carry no gradient (casts to integers, comparisons) have no row.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// What a rule sees: the op's operands x and y, its result r, and the cotangent g of r.
struct Rule {
  ImplicitLocOpBuilder &b;
  Value x, y, r, g;
  Value c(double value) { return constant(b, g.getType(), value); }
  Value neg(Value v) { return arith::NegFOp::create(b, v); }
  Value where(arith::CmpFPredicate p, Value l, Value m) {
    return arith::SelectOp::create(b, arith::CmpFOp::create(b, p, l, m), g, c(0.0));
  }
};
using Pair = std::pair<Value, Value>; // cotangents of x and y; null: none

template <typename Op, Pair (*Grad)(Rule)>
struct Model : DifferentiableOpInterface::ExternalModel<Model<Op, Grad>, Op> {
  LogicalResult buildVJP(Operation *op, ImplicitLocOpBuilder &b, Cotangents &ct) const {
    Value y = op->getNumOperands() > 1 ? op->getOperand(1) : Value();
    Value r = op->getResult(0), g = ct.of(r);
    // Cotangents of narrow floats are wider than those.
    auto wide = [&](Value v) -> Value {
      bool isNarrow =
          v && getElementTypeOrSelf(v).getIntOrFloatBitWidth() < getElementTypeOrSelf(g).getIntOrFloatBitWidth();
      return isNarrow ? arith::ExtFOp::create(b, withElementOf(v.getType(), getElementTypeOrSelf(g)), v).getResult()
                      : v;
    };
    auto [dx, dy] = Grad({b, wide(op->getOperand(0)), wide(y), wide(r), g});
    ct.add(b, op->getOperand(0), dx);
    if (y)
      ct.add(b, y, dy);
    return success();
  }
};

template <typename Op, Pair (*Grad)(Rule)> void row(MLIRContext *ctx) {
  Op::template attachInterface<Model<Op, Grad>>(*ctx);
}

// clang-format off
Pair addF(Rule v) { return {v.g, v.g}; }
Pair subF(Rule v) { return {v.g, v.neg(v.g)}; }
Pair mulF(Rule v) { return {mul(v.b, v.g, v.y), mul(v.b, v.g, v.x)}; }
Pair divF(Rule v) { Value d = div(v.b, v.g, v.y); return {d, v.neg(mul(v.b, d, div(v.b, v.x, v.y)))}; }
Pair negF(Rule v) { return {v.neg(v.g), Value()}; }
// At ties the gradient goes to y, so that max(x, 0) has none at x = 0.
Pair maxF(Rule v) { return {v.where(arith::CmpFPredicate::OGT, v.x, v.y), v.where(arith::CmpFPredicate::OLE, v.x, v.y)}; }
Pair minF(Rule v) { return {v.where(arith::CmpFPredicate::OLT, v.x, v.y), v.where(arith::CmpFPredicate::OGE, v.x, v.y)}; }
Pair expF(Rule v) { return {mul(v.b, v.g, v.r), Value()}; }
Pair logF(Rule v) { return {div(v.b, v.g, v.x), Value()}; }
Pair log1pF(Rule v) { return {div(v.b, v.g, add(v.b, v.x, v.c(1.0))), Value()}; }
Pair sqrtF(Rule v) { return {div(v.b, mul(v.b, v.g, v.c(0.5)), v.r), Value()}; }
Pair rsqrtF(Rule v) { return {mul(v.b, mul(v.b, v.g, v.c(-0.5)), mul(v.b, v.r, mul(v.b, v.r, v.r))), Value()}; }
Pair tanhF(Rule v) { return {mul(v.b, v.g, sub(v.b, v.c(1.0), mul(v.b, v.r, v.r))), Value()}; }
Pair erfF(Rule v) { // 2/√π·exp(−x²)
  Value e = math::ExpOp::create(v.b, v.neg(mul(v.b, v.x, v.x)));
  return {mul(v.b, v.g, mul(v.b, v.c(1.1283791670955126), e)), Value()};
}
// clang-format on

/// A number and what it is rounded to have one cotangent, in the type of each.
template <typename Cast> struct CastModel : DifferentiableOpInterface::ExternalModel<CastModel<Cast>, Cast> {
  LogicalResult buildVJP(Operation *op, ImplicitLocOpBuilder &b, Cotangents &ct) const {
    Value x = op->getOperand(0), g = ct.of(op->getResult(0));
    if (!ct.wants(x))
      return success();
    RankedTensorType type = ct.typeOf(x), own = typeOf(g);
    if (type.getElementTypeBitWidth() > own.getElementTypeBitWidth())
      g = arith::ExtFOp::create(b, type, g);
    else if (type != own)
      g = arith::TruncFOp::create(b, type, g);
    ct.add(b, x, g);
    return success();
  }
};

/// select(c, x, y): the cotangent goes where the value came from.
struct SelectModel : DifferentiableOpInterface::ExternalModel<SelectModel, arith::SelectOp> {
  LogicalResult buildVJP(Operation *op, ImplicitLocOpBuilder &b, Cotangents &ct) const {
    auto select = cast<arith::SelectOp>(op);
    Value g = ct.of(select.getResult()), zero = constant(b, g.getType(), 0.0);
    ct.add(b, select.getTrueValue(), arith::SelectOp::create(b, select.getCondition(), g, zero));
    ct.add(b, select.getFalseValue(), arith::SelectOp::create(b, select.getCondition(), zero, g));
    return success();
  }
};
} // namespace

void mlir::nanochat::registerExternalModels(DialectRegistry &registry) {
  registerViewModels(registry);
  registry.addExtension(+[](MLIRContext *ctx, arith::ArithDialect *) {
    row<arith::AddFOp, addF>(ctx);
    row<arith::SubFOp, subF>(ctx);
    row<arith::MulFOp, mulF>(ctx);
    row<arith::DivFOp, divF>(ctx);
    row<arith::NegFOp, negF>(ctx);
    arith::ExtFOp::attachInterface<CastModel<arith::ExtFOp>>(*ctx);
    arith::TruncFOp::attachInterface<CastModel<arith::TruncFOp>>(*ctx);
    row<arith::MaximumFOp, maxF>(ctx);
    row<arith::MinimumFOp, minF>(ctx);
    arith::SelectOp::attachInterface<SelectModel>(*ctx);
  });
  registry.addExtension(+[](MLIRContext *ctx, math::MathDialect *) {
    row<math::ExpOp, expF>(ctx);
    row<math::LogOp, logF>(ctx);
    row<math::Log1pOp, log1pF>(ctx);
    row<math::SqrtOp, sqrtF>(ctx);
    row<math::RsqrtOp, rsqrtF>(ctx);
    row<math::TanhOp, tanhF>(ctx);
    row<math::ErfOp, erfF>(ctx);
  });
}
