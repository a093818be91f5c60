#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

SmallVector<Value> EmbeddingOp::decompose(ImplicitLocOpBuilder &b) {
  Value table = getTable();
  auto gather = [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    Value row = arith::IndexCastOp::create(s, s.getIndexType(), v[0]);
    Value column = linalg::IndexOp::create(s, 1);
    return tensor::ExtractOp::create(s, table, ValueRange{row, column});
  };
  return {pointwise(b, typeOf(getY()), {getTokens()}, {projection(b.getContext(), 2, {0})}, gather)};
}

LogicalResult EmbeddingOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  if (ct.wants(getTable()))
    ct.add(b, getTable(), EmbeddingGradOp::create(b, getTable().getType(), getTokens(), ct.of(getY())));
  return success();
}

LogicalResult EmbeddingGradOp::verify() {
  auto dy = typeOf(getDy()), dt = typeOf(getDtable()), tokens = typeOf(getTokens());
  if (tokens.getDimSize(0) != dy.getDimSize(0) || dy.getDimSize(1) != dt.getDimSize(1)) // embedding_grad-c1
    return emitOpError("expected tokens (N), dy (N, C) and dtable (V, C), found ")
           << tokens << ", " << dy << " and " << dt;
  return success();
}

/// Each element of dy is added once, whatever the rows.
int64_t EmbeddingGradOp::getFlops() { return getDy().getType().getNumElements(); }
DispatchClass EmbeddingGradOp::getDispatchClass() { return DispatchClass::rowwise; }

SmallVector<Value> EmbeddingGradOp::decompose(ImplicitLocOpBuilder &b) {
  auto table = typeOf(getDtable()), dy = typeOf(getDy());
  Value start = constant(b, table.getElementType(), 0.0);
  Value empty = tensor::EmptyOp::create(b, table.getShape(), table.getElementType());
  Value zeros = linalg::FillOp::create(b, start, empty).getResult(0);
  Value zero = arith::ConstantIndexOp::create(b, 0), one = arith::ConstantIndexOp::create(b, 1);
  Value count = arith::ConstantIndexOp::create(b, dy.getDimSize(0));
  RankedTensorType row = withShape(dy, {1, dy.getDimSize(1)});
  SmallVector<OpFoldResult> sizes{b.getIndexAttr(1), b.getIndexAttr(dy.getDimSize(1))};
  SmallVector<OpFoldResult> unit(2, b.getIndexAttr(1));
  auto loop = scf::ForOp::create(b, zero, count, one, ValueRange{zeros},
                                 [&](OpBuilder &nested, Location loc, Value n, ValueRange acc) {
                                   ImplicitLocOpBuilder in(loc, nested);
                                   Value token = tensor::ExtractOp::create(in, getTokens(), ValueRange{n});
                                   Value at = arith::IndexCastOp::create(in, in.getIndexType(), token);
                                   SmallVector<OpFoldResult> from{n, in.getIndexAttr(0)}, to{at, in.getIndexAttr(0)};
                                   Value grad = tensor::ExtractSliceOp::create(in, row, getDy(), from, sizes, unit);
                                   Value old = tensor::ExtractSliceOp::create(in, row, acc[0], to, sizes, unit);
                                   Value sum = arith::AddFOp::create(in, old, grad);
                                   Value next = tensor::InsertSliceOp::create(in, sum, acc[0], to, sizes, unit);
                                   scf::YieldOp::create(in, next);
                                 });
  return SmallVector<Value>(loop.getResults());
}

//===--- position_embedding ------------------------------------------------------------------===//

static LogicalResult verifyPositions(Operation *op, RankedTensorType x, RankedTensorType table, int64_t seq) {
  if (x.getDimSize(1) != table.getDimSize(1) || table.getDimSize(0) < seq) // position_embedding-c1
    return op->emitOpError("expected a table of at least seq = ")
           << seq << " rows and " << x.getDimSize(1) << " channels, found " << table;
  if (x.getDimSize(0) % seq) // position_embedding-c2
    return op->emitOpError("the ") << x.getDimSize(0) << " tokens of " << x << " are no whole number of sequences of "
                                   << seq;
  return success();
}

LogicalResult PositionEmbeddingOp::verify() {
  return verifyPositions(*this, getX().getType(), getTable().getType(), getSeq());
}

/// (n, c) -> (n mod seq, c).
static AffineMap positionMap(MLIRContext *ctx, int64_t seq) {
  return AffineMap::get(2, 0, {getAffineDimExpr(0, ctx) % seq, getAffineDimExpr(1, ctx)}, ctx);
}

// Reads the table in place: rows from `seq` on are never indexed, and no slice of it needs a copy.
SmallVector<Value> PositionEmbeddingOp::decompose(ImplicitLocOpBuilder &b) {
  return {pointwise(b, getX().getType(), {getX(), getTable()},
                    {b.getMultiDimIdentityMap(2), positionMap(getContext(), getSeq())},
                    [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[0], v[1]); })};
}

SmallVector<AffineMap> PositionEmbeddingOp::getIndexingMaps() {
  AffineMap full = projection(getContext(), 2, {0, 1});
  return {full, positionMap(getContext(), getSeq()), full};
}

LogicalResult PositionEmbeddingOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  Value dy = ct.of(getY());
  ct.add(b, getX(), dy);
  if (ct.wants(getTable()))
    ct.add(b, getTable(), PositionEmbeddingGradOp::create(b, getTable().getType(), dy, getSeq()));
  return success();
}

LogicalResult PositionEmbeddingOp::buildKeptVJP(ImplicitLocOpBuilder &b, Cotangents &ct, const KeptRows &kept) {
  Value dy = ct.of(getY());
  ct.add(b, getX(), dy);
  if (ct.wants(getTable()))
    ct.add(b, getTable(),
           EmbeddingGradOp::create(b, getTable().getType(), positionsOf(b, kept.getRows(), getSeq()), dy));
  return success();
}

LogicalResult PositionEmbeddingGradOp::verify() {
  return verifyPositions(*this, getDy().getType(), getDtable().getType(), getSeq());
}

SmallVector<Value> PositionEmbeddingGradOp::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType table = getDtable().getType();
  RankedTensorType used = withShape(table, {static_cast<int64_t>(getSeq()), table.getDimSize(1)});
  Value dy = splitRows(b, getDy(), getSeq());
  Value sum = reduce(b, used, 3, {1, 2}, 0.0, {dy}, {b.getMultiDimIdentityMap(3)}, sumUp);
  if (used == table)
    return {sum};
  SmallVector<OpFoldResult> from(2, b.getIndexAttr(0)), unit(2, b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes{b.getIndexAttr(getSeq()), b.getIndexAttr(table.getDimSize(1))};
  return {tensor::InsertSliceOp::create(b, sum, constant(b, table, 0.0), from, sizes, unit)};
}

SmallVector<AffineMap> PositionEmbeddingGradOp::getIndexingMaps() {
  return {projection(getContext(), 2, {0, 1}), positionMap(getContext(), getSeq())};
}
