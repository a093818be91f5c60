#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

LogicalResult EmbeddingOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto tokens = cast<RankedTensorType>(adaptor.getTokens().getType());
  auto table = cast<RankedTensorType>(adaptor.getTable().getType());
  types.push_back(withShape(table, {tokens.getDimSize(0), table.getDimSize(1)}));
  return success();
}

FailureOr<SmallVector<Value>> EmbeddingOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Value table = getTable();
  auto gather = [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    Value row = arith::IndexCastOp::create(s, s.getIndexType(), v[0]);
    Value column = linalg::IndexOp::create(s, 1);
    return tensor::ExtractOp::create(s, table, ValueRange{row, column});
  };
  return SmallVector<Value>{pointwise(b, cast<RankedTensorType>(getY().getType()), {getTokens()},
                                      {projection(b.getContext(), 2, {0})}, gather)};
}

// Loops (n, v, c): the sum over v of [tokens[n] = v]·table[v, c].
SmallVector<IteratorType> EmbeddingOp::getLoopIteratorTypes() {
  return {IteratorType::parallel, IteratorType::reduction, IteratorType::parallel};
}
SmallVector<shard::ReductionKind> EmbeddingOp::getReductionLoopIteratorKinds() {
  return {shard::ReductionKind::Sum};
}
SmallVector<AffineMap> EmbeddingOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  return {projection(ctx, 3, {0}), projection(ctx, 3, {1, 2}), projection(ctx, 3, {0, 2})};
}

LogicalResult EmbeddingOp::buildVJP(OpBuilder &b, Cotangents &ct) {
  if (ct.wants(getTable()))
    ct.add(b, getTable(), EmbeddingGradOp::create(b, getLoc(), getTable().getType(), getTokens(), ct.of(getY())));
  return success();
}

LogicalResult EmbeddingGradOp::verify() {
  auto dy = cast<RankedTensorType>(getDy().getType()), dt = cast<RankedTensorType>(getDtable().getType());
  auto tokens = cast<RankedTensorType>(getTokens().getType());
  if (tokens.getDimSize(0) != dy.getDimSize(0) || dy.getDimSize(1) != dt.getDimSize(1)) // embedding_grad-c1
    return emitOpError("expected tokens (N), dy (N, C) and dtable (V, C), found ")
           << tokens << ", " << dy << " and " << dt;
  return success();
}

SmallVector<IteratorType> EmbeddingGradOp::getLoopIteratorTypes() {
  return {IteratorType::reduction, IteratorType::parallel, IteratorType::parallel};
}
SmallVector<shard::ReductionKind> EmbeddingGradOp::getReductionLoopIteratorKinds() {
  return {shard::ReductionKind::Sum};
}
SmallVector<AffineMap> EmbeddingGradOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  return {projection(ctx, 3, {0}), projection(ctx, 3, {0, 2}), projection(ctx, 3, {1, 2})};
}

DispatchClass EmbeddingGradOp::getDispatchClass() { return DispatchClass::generic; }

FailureOr<SmallVector<Value>> EmbeddingGradOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto table = cast<RankedTensorType>(getDtable().getType());
  auto dy = cast<RankedTensorType>(getDy().getType());
  Value start = constant(b, table.getElementType(), 0.0);
  Value empty = tensor::EmptyOp::create(b, table.getShape(), table.getElementType());
  Value zeros = linalg::FillOp::create(b, start, empty).getResult(0);
  Value zero = arith::ConstantIndexOp::create(b, 0), one = arith::ConstantIndexOp::create(b, 1);
  Value count = arith::ConstantIndexOp::create(b, dy.getDimSize(0));
  RankedTensorType row = withShape(dy, {1, dy.getDimSize(1)});
  SmallVector<OpFoldResult> sizes{b.getIndexAttr(1), b.getIndexAttr(dy.getDimSize(1))};
  SmallVector<OpFoldResult> unit(2, b.getIndexAttr(1));
  auto loop = scf::ForOp::create(
      b, zero, count, one, ValueRange{zeros},
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
