#include "lib/Targets/kernels/Lanes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

Lanes LaneBuilder::index(int64_t value) { return {arith::ConstantIndexOp::create(b, value)}; }

Value LaneBuilder::vector(Lanes x) {
  if (x.isVector())
    return x.v;
  VectorType type = vectorOf(x.v.getType());
  Value base = vector::BroadcastOp::create(b, type, x.v);
  if (x.stride == 0)
    return base;
  SmallVector<Attribute> steps;
  for (int64_t l = 0; l < width; ++l)
    steps.push_back(b.getIntegerAttr(x.v.getType(), l / x.repeat * x.stride));
  Value rise = arith::ConstantOp::create(b, DenseElementsAttr::get(type, steps));
  return arith::AddIOp::create(b, base, rise);
}

static std::optional<int64_t> constantOf(Lanes x) { return x.isUniform() ? getConstantIntValue(x.v) : std::nullopt; }

Lanes LaneBuilder::add(Lanes x, Lanes y) {
  // An index that passes through unchanged stays the same SSA value: owners of rows compare them.
  if (constantOf(x) == 0)
    return y;
  if (constantOf(y) == 0)
    return x;
  if (x.isVector() || y.isVector() || (!x.isUniform() && !y.isUniform() && x.repeat != y.repeat))
    return {arith::AddIOp::create(b, vector(x), vector(y))};
  int64_t repeat = x.isUniform() ? y.repeat : x.repeat;
  return {arith::AddIOp::create(b, x.v, y.v), x.stride + y.stride, false, repeat};
}

Lanes LaneBuilder::mul(Lanes x, int64_t factor) {
  if (factor == 1)
    return x;
  if (std::optional<int64_t> c = constantOf(x))
    return index(*c * factor);
  Lanes by = index(factor);
  if (x.isVector())
    return {arith::MulIOp::create(b, x.v, vector(by))};
  return {arith::MulIOp::create(b, x.v, by.v), x.stride * factor, false, x.repeat};
}

Lanes LaneBuilder::mod(Lanes x, int64_t c) {
  Lanes by = index(c);
  if (x.isUniform())
    return {arith::RemUIOp::create(b, x.v, by.v)};
  // Aligned lanes never straddle a period that is a multiple of their number.
  if (x.isConsecutive() && x.aligned && c % width == 0)
    return {arith::RemUIOp::create(b, x.v, by.v), 1, true};
  return {arith::RemUIOp::create(b, vector(x), vector(by))};
}

Lanes LaneBuilder::floordiv(Lanes x, int64_t c) {
  if (c == 1)
    return x;
  Lanes by = index(c);
  bool aligned = x.isConsecutive() && x.aligned;
  if (x.isUniform() || (aligned && c % width == 0))
    return {arith::DivUIOp::create(b, x.v, by.v)};
  if (aligned && width % c == 0)
    return {arith::DivUIOp::create(b, x.v, by.v), 1, false, c};
  return {arith::DivUIOp::create(b, vector(x), vector(by))};
}

Lanes LaneBuilder::affine(AffineExpr expr, ArrayRef<Lanes> dims) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  if (auto c = dyn_cast<AffineConstantExpr>(expr))
    return index(c.getValue());
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return {};
  Lanes lhs = affine(binary.getLHS(), dims);
  if (!lhs.v)
    return {};
  if (expr.getKind() == AffineExprKind::Add) {
    Lanes rhs = affine(binary.getRHS(), dims);
    return rhs.v ? add(lhs, rhs) : Lanes{};
  }
  auto by = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (!by)
    return {};
  switch (expr.getKind()) {
  case AffineExprKind::Mul:
    return mul(lhs, by.getValue());
  case AffineExprKind::Mod:
    return mod(lhs, by.getValue());
  case AffineExprKind::FloorDiv:
    return floordiv(lhs, by.getValue());
  default:
    return {};
  }
}
