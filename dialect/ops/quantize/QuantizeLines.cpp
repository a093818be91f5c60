// Codes of gradients, with one scale for each row or column.
#include "dialect/ops/quantize/QuantizeLines.h"
#include "dialect/Formats.h"
#include "dialect/ops/group/Group.h"
#include "dialect/ops/quantize/Fp4.h"
#include "dialect/ops/quantize/Random.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

Value mlir::nanochat::inverseOfLine(ImplicitLocOpBuilder &b, Value largest, double limit) {
  auto c = [&](double value) { return constant(b, largest.getType(), value); };
  Value isSome = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, largest, c(1e-30));
  return arith::SelectOp::create(b, isSome, div(b, c(limit), largest), c(0.0));
}

Value mlir::nanochat::stochasticCode(ImplicitLocOpBuilder &b, Value number, Value half, double limit) {
  Type type = number.getType();
  auto c = [&](double value) { return constant(b, type, value); };
  auto within = [&](arith::CmpFPredicate holds, double end) {
    Value is = arith::CmpFOp::create(b, holds, number, c(end));
    number = arith::SelectOp::create(b, is, number, c(end));
  };
  within(arith::CmpFPredicate::OGT, -limit); // what is not a number as well
  within(arith::CmpFPredicate::OLT, limit);
  Value chance = mul(b, add(b, arith::UIToFPOp::create(b, type, half), c(0.5)), c(0x1p-16));
  return encode(b, Format::int8, roundByChance(b, number, chance));
}

/// The codes; `draw` is the random bits of the element that a body is of, if it is rounded by them.
static LineCodes codesOf(ImplicitLocOpBuilder &b, Format format, Value x, Value s, int64_t axis, double limit,
                         int64_t among, llvm::function_ref<Value(ImplicitLocOpBuilder &)> draw) {
  RankedTensorType type = typeOf(x);
  MatrixMaps maps(b.getContext());
  unsigned other = 1 - axis;
  AffineMap line = projection(b.getContext(), 2, {other});
  SmallVector<Value> ins{x};
  SmallVector<AffineMap> indexing{maps.full};
  if (s)
    ins.push_back(s), indexing.push_back(maps.row);
  auto number = [&](ImplicitLocOpBuilder &in, ValueRange v) { return s ? mul(in, v[0], v[1]) : v[0]; };
  Value largest = reduce(b, withShape(type, {type.getDimSize(other)}), 2, {other}, 0.0, ins, indexing,
                         [&](ImplicitLocOpBuilder &in, ValueRange v) -> Value {
                           return arith::MaximumFOp::create(in, v.back(), math::AbsFOp::create(in, number(in, v)));
                         });
  largest = reduceOverGroup(b, GroupReduction::maximum, largest, among);
  ins.push_back(
      pointwise(b, largest, [&](ImplicitLocOpBuilder &in, ValueRange v) { return inverseOfLine(in, v[0], limit); }));
  indexing.push_back(line);
  Value codes = pointwise(b, withElement(type, factsOf(format).storage(b)), ins, indexing,
                          [&](ImplicitLocOpBuilder &in, ValueRange v) {
                            Value scaled = mul(in, number(in, v), v.back());
                            return draw ? stochasticCode(in, scaled, draw(in), limit) : encode(in, format, scaled);
                          });
  return {codes, largest};
}

LineCodes mlir::nanochat::quantizeLines(ImplicitLocOpBuilder &b, Format format, Value x, Value s, int64_t axis,
                                        double limit, Value draws, int64_t among) {
  if (!draws)
    return codesOf(b, format, x, s, axis, limit, among, nullptr);
  auto op = QuantizeStochasticOp::create(b, x, s, axis, int64_t(limit), draws);
  return {op.getCodes(), op.getLargest()};
}

//===--- quantize_stochastic -----------------------------------------------------------------===//

LogicalResult QuantizeStochasticOp::inferReturnTypes(MLIRContext *ctx, std::optional<Location> loc, Adaptor adaptor,
                                                     SmallVectorImpl<Type> &types) {
  if (failed(checkAxis(loc, adaptor.getAxis()))) // quantize_stochastic-c2
    return failure();
  RankedTensorType x = typeOf(adaptor.getX());
  types.push_back(withElement(x, IntegerType::get(ctx, 8)));
  types.push_back(withShape(x, {x.getDimSize(1 - adaptor.getAxis())}));
  return success();
}

LogicalResult QuantizeStochasticOp::verify() { // quantize_stochastic-c1
  int64_t rows = getX().getType().getDimSize(0);
  if (getS() && typeOf(getS()).getDimSize(0) != rows)
    return emitOpError("has factors ") << getS().getType() << " of " << rows << " rows";
  if (getS() && getElementTypeOrSelf(getS()) != getX().getType().getElementType()) // quantize_stochastic-c3
    return emitOpError("has numbers ") << getX().getType() << " and factors " << getS().getType() << " of another type";
  return success();
}

DispatchClass QuantizeStochasticOp::getDispatchClass() { return DispatchClass::rowwise; }

SmallVector<IteratorType> QuantizeStochasticOp::getLoopIteratorTypes() {
  SmallVector<IteratorType> loops(2, IteratorType::parallel);
  loops[getAxis()] = IteratorType::reduction;
  return loops;
}

SmallVector<AffineMap> QuantizeStochasticOp::getIndexingMaps() {
  MatrixMaps of(getContext());
  SmallVector<AffineMap> maps{of.full};
  if (getS())
    maps.push_back(of.row);
  maps.push_back(AffineMap::get(2, 0, getAffineConstantExpr(0, getContext())));
  maps.append({of.full, getAxis() ? of.row : of.column});
  return maps;
}

SmallVector<Value> QuantizeStochasticOp::decompose(ImplicitLocOpBuilder &b) {
  int64_t columns = getX().getType().getDimSize(1);
  LineCodes line = codesOf(b, Format::int8, getX(), getS(), getAxis(), getLimit(), /*among=*/1,
                           [&](ImplicitLocOpBuilder &s) { return randomHalfAt(s, getDraws(), getAxis(), columns); });
  return {line.codes, line.largest};
}
