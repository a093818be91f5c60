#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

/// c = Σ_k a·b in the loops (m, n, k), with a and b indexed by the given dims.
static Value contract(ImplicitLocOpBuilder &b, RankedTensorType type, Value lhs, Value rhs, ArrayRef<unsigned> lhsDims,
                      ArrayRef<unsigned> rhsDims) {
  MLIRContext *ctx = b.getContext();
  return reduce(b, type, 3, {0, 1}, 0.0, {lhs, rhs}, {projection(ctx, 3, lhsDims), projection(ctx, 3, rhsDims)},
                [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[2], mul(s, v[0], v[1])); });
}

//===------------------------------------------------------------------------------------------===//
// linear
//===------------------------------------------------------------------------------------------===//

LogicalResult LinearOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  auto w = cast<RankedTensorType>(adaptor.getW().getType());
  types.push_back(withShape(x, {x.getDimSize(0), w.getDimSize(0)}));
  return success();
}

LogicalResult LinearOp::verify() {
  auto x = cast<RankedTensorType>(getX().getType()), w = cast<RankedTensorType>(getW().getType());
  if (x.getDimSize(1) != w.getDimSize(1)) // linear-c1
    return emitOpError("x ") << x << " has " << x.getDimSize(1) << " channels but w " << w << " takes "
                             << w.getDimSize(1) << " (weights are out × in)";
  if (getBias() && cast<RankedTensorType>(getBias().getType()).getDimSize(0) != w.getDimSize(0)) // linear-c2
    return emitOpError("bias ") << getBias().getType() << " does not match the " << w.getDimSize(0)
                                << " output channels of w " << w;
  return success();
}

FailureOr<SmallVector<Value>> LinearOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto type = cast<RankedTensorType>(getY().getType());
  Value y = contract(b, type, getX(), getW(), {0, 2}, {1, 2});
  if (getBias())
    y = pointwise(b, type, {y, getBias()}, {b.getMultiDimIdentityMap(2), projection(b.getContext(), 2, {1})},
                  [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[0], v[1]); });
  return SmallVector<Value>{y};
}

SmallVector<IteratorType> LinearOp::getLoopIteratorTypes() { return gemmIterators(); }
SmallVector<shard::ReductionKind> LinearOp::getReductionLoopIteratorKinds() { return {shard::ReductionKind::Sum}; }
SmallVector<AffineMap> LinearOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  SmallVector<AffineMap> maps{projection(ctx, 3, {0, 2}), projection(ctx, 3, {1, 2})};
  if (getBias())
    maps.push_back(projection(ctx, 3, {1}));
  maps.push_back(projection(ctx, 3, {0, 1}));
  return maps;
}

LogicalResult LinearOp::buildVJP(OpBuilder &b, Cotangents &ct) {
  Value dy = ct.of(getY());
  if (ct.wants(getX()))
    ct.add(b, getX(), MatmulOp::create(b, getLoc(), dy, getW(), false, false));
  if (ct.wants(getW()))
    ct.add(b, getW(), MatmulOp::create(b, getLoc(), dy, getX(), true, false));
  if (getBias() && ct.wants(getBias()))
    ct.add(b, getBias(), SumRowsOp::create(b, getLoc(), dy));
  return success();
}

//===------------------------------------------------------------------------------------------===//
// matmul
//===------------------------------------------------------------------------------------------===//

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto a = cast<RankedTensorType>(adaptor.getA().getType());
  auto b = cast<RankedTensorType>(adaptor.getB().getType());
  types.push_back(withShape(a, {a.getDimSize(adaptor.getTransA()), b.getDimSize(!adaptor.getTransB())}));
  return success();
}

LogicalResult MatmulOp::verify() {
  auto a = cast<RankedTensorType>(getA().getType()), b = cast<RankedTensorType>(getB().getType());
  int64_t left = a.getDimSize(!getTransA()), right = b.getDimSize(getTransB());
  if (left != right) // matmul-c1
    return emitOpError("contracts ") << left << " elements of " << a << " with " << right << " of " << b;
  return success();
}

SmallVector<IteratorType> MatmulOp::getLoopIteratorTypes() { return gemmIterators(); }
SmallVector<shard::ReductionKind> MatmulOp::getReductionLoopIteratorKinds() { return {shard::ReductionKind::Sum}; }
SmallVector<AffineMap> MatmulOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  return {getTransA() ? projection(ctx, 3, {2, 0}) : projection(ctx, 3, {0, 2}),
          getTransB() ? projection(ctx, 3, {1, 2}) : projection(ctx, 3, {2, 1}), projection(ctx, 3, {0, 1})};
}

FailureOr<SmallVector<Value>> MatmulOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  using Dims = SmallVector<unsigned>;
  Dims lhs = getTransA() ? Dims{2, 0} : Dims{0, 2}, rhs = getTransB() ? Dims{1, 2} : Dims{2, 1};
  return SmallVector<Value>{contract(b, cast<RankedTensorType>(getC().getType()), getA(), getB(), lhs, rhs)};
}

//===------------------------------------------------------------------------------------------===//
// sum_rows
//===------------------------------------------------------------------------------------------===//

LogicalResult SumRowsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  types.push_back(withShape(x, {x.getDimSize(1)}));
  return success();
}

SmallVector<IteratorType> SumRowsOp::getLoopIteratorTypes() {
  return {IteratorType::reduction, IteratorType::parallel};
}
SmallVector<shard::ReductionKind> SumRowsOp::getReductionLoopIteratorKinds() { return {shard::ReductionKind::Sum}; }
SmallVector<AffineMap> SumRowsOp::getIndexingMaps() {
  return {projection(getContext(), 2, {0, 1}), projection(getContext(), 2, {1})};
}

FailureOr<SmallVector<Value>> SumRowsOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return SmallVector<Value>{reduce(b, cast<RankedTensorType>(getY().getType()), 2, {1}, 0.0, {getX()},
                                   {b.getMultiDimIdentityMap(2)},
                                   [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[1], v[0]); })};
}
