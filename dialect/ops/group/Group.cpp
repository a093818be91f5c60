#include "dialect/ops/group/Group.h"
#include "dialect/Linalg.h"
#include "dialect/ops/kernel/Lanes.h"
#include "dialect/ops/quantize/Blocks.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

static Value exchange(ImplicitLocOpBuilder &b, Collective kind, Value x, ArrayRef<int64_t> shape, int64_t among) {
  auto start =
      ExchangeStartOp::create(b, withShape(typeOf(x), shape), kind, x, kInLoopLane, Value(), /*ahead=*/false, among,
                              /*stride=*/1);
  return ExchangeDoneOp::create(b, start).getZ();
}

/// The sizes around dimension `dim`, and its own.
static std::array<int64_t, 3> around(RankedTensorType type, int64_t dim) {
  ArrayRef<int64_t> shape = type.getShape();
  return {llvm::product_of(shape.take_front(dim)), shape[dim], llvm::product_of(shape.drop_front(dim + 1))};
}

static RankedTensorType partOf(RankedTensorType whole, int64_t dim, int64_t among) {
  SmallVector<int64_t> shape(whole.getShape());
  shape[dim] = int64_t(llvm::divideCeil(shape[dim], among));
  return withShape(whole, shape);
}

//===--- part --------------------------------------------------------------------------------===//

LogicalResult PartOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  RankedTensorType x = typeOf(adaptor.getX());
  bool hasDim = int64_t(adaptor.getDim()) < x.getRank(); // else the verifier complains
  types.push_back(hasDim ? partOf(x, adaptor.getDim(), adaptor.getAmong()) : x);
  return success();
}

LogicalResult PartOp::verify() {
  RankedTensorType x = typeOf(getX());
  if (int64_t(getDim()) >= x.getRank()) // part-c1
    return emitOpError("cuts dimension ") << getDim() << " of " << x;
  if (getDim() > 0 && x.getDimSize(getDim()) % getAmong()) // part-c2
    return emitOpError("cuts dimension ") << getDim() << " of " << x << " into " << getAmong()
                                          << " parts, which are not equal; only those of dimension 0 need not be";
  return success();
}

SmallVector<Value> PartOp::decompose(ImplicitLocOpBuilder &b) {
  auto [outer, all, inner] = around(typeOf(getX()), getDim());
  int64_t own = typeOf(getPart()).getDimSize(getDim()), whole = all;
  Value x = reshape(b, getX(), {outer, all, inner});
  RankedTensorType type = withShape(typeOf(x), {outer, own, inner});
  Value part = pointwise(
      b, type, getRank(), projection(getContext(), 3, {}), [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
        auto number = [&](int64_t n) { return arith::ConstantIndexOp::create(s, n); };
        Value first = arith::MulIOp::create(s, arith::IndexCastOp::create(s, s.getIndexType(), v[0]), number(own));
        Value at = arith::AddIOp::create(s, first, linalg::IndexOp::create(s, 1)), isSome;
        if (own * int64_t(getAmong()) > whole) {
          isSome = arith::CmpIOp::create(s, arith::CmpIPredicate::ult, at, number(whole));
          at = arith::MinUIOp::create(s, at, number(whole - 1));
        }
        SmallVector<Value> place{linalg::IndexOp::create(s, 0), at, linalg::IndexOp::create(s, 2)};
        Value element = tensor::ExtractOp::create(s, x, place);
        return isSome ? arith::SelectOp::create(s, isSome, element, constant(s, element.getType(), 0)) : element;
      });
  return {reshape(b, part, typeOf(getPart()).getShape())};
}

LogicalResult PartOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  ct.add(b, getX(), JoinPartsOp::create(b, ct.typeOf(getX()), ct.of(getPart()), getDim(), getAmong()));
  return success();
}

//===--- join_parts --------------------------------------------------------------------------===//

LogicalResult JoinPartsOp::verify() {
  RankedTensorType part = typeOf(getPart()), x = typeOf(getX());
  bool hasDim = int64_t(getDim()) < x.getRank();
  if (!hasDim || part != partOf(x, getDim(), getAmong())) // join_parts-c1
    return emitOpError("makes ") << x << " of " << getAmong() << " parts " << part << " along dimension " << getDim();
  if (getDim() > 0 && x.getDimSize(getDim()) % getAmong()) // join_parts-c2
    return emitOpError("joins parts of dimension ") << getDim() << " of " << x << ", which are not equal";
  return success();
}

SmallVector<Value> JoinPartsOp::decompose(ImplicitLocOpBuilder &b) {
  if (getAmong() == 1)
    return {getPart()};
  RankedTensorType x = typeOf(getX());
  auto [outer, own, inner] = around(typeOf(getPart()), getDim());
  int64_t among = getAmong();
  Value flat = flatten(b, getPart());
  if (outer == 1)
    return {reshape(b, exchange(b, Collective::all_gather, flat, {x.getNumElements()}, among), x.getShape())};
  Value all = exchange(b, Collective::all_gather, flat, {among * outer * own * inner}, among);
  all = reshape(b, all, {among, outer, own, inner});
  Value sorted = pointwise(b, withShape(x, {outer, among, own, inner}), all, projection(getContext(), 4, {1, 0, 2, 3}),
                           [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; });
  return {reshape(b, sorted, x.getShape())};
}

//===--- group_reduce ------------------------------------------------------------------------===//

Value mlir::nanochat::reduceOverGroup(ImplicitLocOpBuilder &b, GroupReduction reduction, Value x, int64_t among) {
  return among > 1 ? GroupReduceOp::create(b, reduction, x, among).getY() : x;
}

static Value combine(ImplicitLocOpBuilder &s, GroupReduction reduction, Value x, Value y) {
  bool isFloat = isa<FloatType>(x.getType());
  if (reduction == GroupReduction::sum)
    return isFloat ? add(s, x, y) : arith::AddIOp::create(s, x, y).getResult();
  return isFloat ? arith::MaximumFOp::create(s, x, y).getResult() : arith::MaxSIOp::create(s, x, y).getResult();
}

/// Of (ranks, n) elements, what those of all ranks come to.
static Value combineRows(ImplicitLocOpBuilder &b, GroupReduction reduction, Value rows) {
  RankedTensorType type = typeOf(rows);
  SmallVector<AffineMap> maps;
  for (int64_t r = 0; r < type.getDimSize(0); ++r)
    maps.push_back(AffineMap::get(1, 0, {b.getAffineConstantExpr(r), b.getAffineDimExpr(0)}, b.getContext()));
  return pointwise(b, withShape(type, {type.getDimSize(1)}), SmallVector<Value>(maps.size(), rows), maps,
                   [&](ImplicitLocOpBuilder &s, ValueRange v) {
                     return combineInTree(v, [&](Value x, Value y) { return combine(s, reduction, x, y); });
                   });
}

SmallVector<Value> GroupReduceOp::decompose(ImplicitLocOpBuilder &b) {
  constexpr int64_t kLittle = 4096; // elements, for which a second exchange takes longer than more bytes
  int64_t among = getAmong(), elements = typeOf(getX()).getNumElements();
  if (among == 1)
    return {getX()};
  Value flat = flatten(b, getX()), all;
  if (among == 2 || elements <= kLittle) {
    all = combineRows(b, getReduction(), exchange(b, Collective::all_gather, flat, {among, elements}, among));
  } else {
    int64_t slice = int64_t(llvm::divideCeil(elements, among));
    Value slices = exchange(b, Collective::all_to_all, flat, {among, slice}, among);
    all = exchange(b, Collective::all_gather, combineRows(b, getReduction(), slices), {elements}, among);
  }
  return {reshape(b, all, typeOf(getY()).getShape())};
}

//===--- to_group ----------------------------------------------------------------------------===//

SmallVector<Value> ToGroupOp::decompose(ImplicitLocOpBuilder &) { return {getX()}; }

LogicalResult ToGroupOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  ct.add(b, getX(), GroupReduceOp::create(b, GroupReduction::sum, ct.of(getY()), getAmong()));
  return success();
}
