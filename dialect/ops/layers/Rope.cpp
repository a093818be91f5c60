// Rotary position embedding: the tables of angles and the rotation.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

//===--- rope_table --------------------------------------------------------------------------===//

LogicalResult RopeTableOp::verify() {
  if (getDim() % 2) // rope_table-c1
    return emitOpError("dim = ") << getDim() << " is odd; channels are rotated in pairs";
  RankedTensorType type = getCos().getType();
  int64_t seq = getSeq(), half = getDim() / 2;
  if (type.getDimSize(0) != seq || type.getDimSize(1) != half) // rope_table-c2
    return emitOpError("expected tables (seq, dim/2) = (") << seq << ", " << half << "), found " << type;
  return success();
}

SmallVector<int64_t> RopeTableOp::getOwnShape() { return {int64_t(getSeq()), int64_t(getDim()) / 2}; }

SmallVector<Value> RopeTableOp::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType type = getCos().getType();
  // In f64: an f32 angle of 4000 rad is off by 2e-4 already.
  Type wide = b.getF64Type();
  double slope = -2.0 * std::log(getTheta().convertToDouble()) / getDim();
  auto table = [&](auto function) {
    return pointwise(b, type, {}, {}, [&](ImplicitLocOpBuilder &s, ValueRange) -> Value {
      auto index = [&](unsigned dim) -> Value {
        Value i = arith::IndexCastOp::create(s, s.getI64Type(), linalg::IndexOp::create(s, dim));
        return arith::SIToFPOp::create(s, wide, i);
      };
      Value frequency = math::ExpOp::create(s, mul(s, index(1), constant(s, wide, slope)));
      Value result = function(s, mul(s, index(0), frequency));
      return type.getElementType() == wide ? result : arith::TruncFOp::create(s, type.getElementType(), result);
    });
  };
  auto cos = [](ImplicitLocOpBuilder &s, Value x) -> Value { return math::CosOp::create(s, x); };
  auto sin = [](ImplicitLocOpBuilder &s, Value x) -> Value { return math::SinOp::create(s, x); };
  return {table(cos), table(sin)};
}

//===--- rope --------------------------------------------------------------------------------===//

LogicalResult RopeOp::verify() {
  RankedTensorType x = getX().getType(), table = getCos().getType();
  int64_t needed = 2 * table.getDimSize(1) * int64_t(getHeads());
  if (x.getDimSize(1) != needed) // rope-c1
    return emitOpError("x ") << x << " has " << x.getDimSize(1) << " channels, but " << getHeads()
                             << " heads with tables " << table << " need " << needed
                             << " (two per table column and head)";
  if (x.getDimSize(0) % table.getDimSize(0)) // rope-c2
    return emitOpError("the ") << x.getDimSize(0) << " tokens of x are no whole number of sequences of "
                               << table.getDimSize(0) << " positions, the rows of the tables";
  return success();
}

SmallVector<Value> RopeOp::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType x = getX().getType(), table = getCos().getType();
  SmallVector<ReassociationIndices> groups{{0}, {1, 2, 3}};
  RankedTensorType split = withShape(x, {x.getDimSize(0), static_cast<int64_t>(getHeads()), 2, table.getDimSize(1)});
  Value halves = tensor::ExpandShapeOp::create(b, split, getX(), groups);
  AffineExpr n = b.getAffineDimExpr(0), h = b.getAffineDimExpr(1), p = b.getAffineDimExpr(2), j = b.getAffineDimExpr(3);
  auto map = [&](ArrayRef<AffineExpr> results) { return AffineMap::get(4, 0, results, getContext()); };
  AffineMap position = map({n % table.getDimSize(0), j});
  Value y = pointwise(b, split, {halves, halves, getCos(), getSin()},
                      {map({n, h, p, j}), map({n, h, 1 - p, j}), position, position},
                      [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                        Value half = linalg::IndexOp::create(s, 2);
                        Value minus = arith::ConstantIndexOp::create(s, getInverse() ? 1 : 0);
                        Value negative = arith::CmpIOp::create(s, arith::CmpIPredicate::eq, half, minus);
                        Value turned = mul(s, v[1], v[3]);
                        Value minusTurned = arith::NegFOp::create(s, turned);
                        return add(s, mul(s, v[0], v[2]), arith::SelectOp::create(s, negative, minusTurned, turned));
                      });
  return {tensor::CollapseShapeOp::create(b, x, y, groups)};
}

// Loops (n, c); c meets its partner in the same row.
SmallVector<AffineMap> RopeOp::getIndexingMaps() {
  RankedTensorType table = getCos().getType();
  Builder b(getContext());
  AffineMap full = b.getMultiDimIdentityMap(2);
  AffineMap position = AffineMap::get(
      2, 0, {b.getAffineDimExpr(0) % table.getDimSize(0), b.getAffineDimExpr(1) % table.getDimSize(1)}, getContext());
  return {full, position, position, full};
}

LogicalResult RopeOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  if (ct.wants(getX()))
    ct.add(b, getX(), RopeOp::create(b, ct.of(getY()), getCos(), getSin(), getHeads(), !getInverse()));
  return success();
}

Operation *RopeOp::buildOnRows(ImplicitLocOpBuilder &b, Value rows) {
  Value positions = positionsOf(b, rows, typeOf(getCos()).getDimSize(0));
  auto at = [&](Value x, Value of) { return GatherRowsOp::create(b, x, of); };
  return RopeOp::create(b, at(getX(), rows), at(getCos(), positions), at(getSin(), positions), getHeads(),
                        getInverse());
}
