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
                sumProducts);
}

//===--- linear ------------------------------------------------------------------------------===//

LogicalResult LinearOp::verify() {
  auto x = typeOf(getX()), w = typeOf(getW());
  if (x.getDimSize(1) != w.getDimSize(1)) // linear-c1
    return emitOpError("x ") << x << " has " << x.getDimSize(1) << " channels but w " << w << " takes "
                             << w.getDimSize(1) << " (weights are out × in)";
  if (getBias() && typeOf(getBias()).getDimSize(0) != w.getDimSize(0)) // linear-c2
    return emitOpError("bias ") << getBias().getType() << " does not match the " << w.getDimSize(0)
                                << " output channels of w " << w;
  return success();
}

SmallVector<Value> LinearOp::decompose(ImplicitLocOpBuilder &b) {
  auto type = typeOf(getY());
  Value y = contract(b, type, getX(), getW(), {0, 2}, {1, 2});
  if (getBias())
    y = pointwise(b, type, {y, getBias()}, {b.getMultiDimIdentityMap(2), projection(b.getContext(), 2, {1})},
                  [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[0], v[1]); });
  return {y};
}

LogicalResult LinearOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  Value dy = ct.of(getY());
  if (ct.wants(getX()))
    ct.add(b, getX(), MatmulOp::create(b, dy, getW(), false, false));
  if (ct.wants(getW()))
    ct.add(b, getW(), MatmulOp::create(b, dy, getX(), true, false));
  if (getBias() && ct.wants(getBias()))
    ct.add(b, getBias(), SumRowsOp::create(b, dy));
  return success();
}

//===--- matmul ------------------------------------------------------------------------------===//

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto a = typeOf(adaptor.getA()), b = typeOf(adaptor.getB());
  types.push_back(withShape(a, {a.getDimSize(adaptor.getTransA()), b.getDimSize(!adaptor.getTransB())}));
  return success();
}

LogicalResult MatmulOp::verify() {
  auto a = typeOf(getA()), b = typeOf(getB());
  int64_t left = a.getDimSize(!getTransA()), right = b.getDimSize(getTransB());
  if (left != right) // matmul-c1
    return emitOpError("contracts ") << left << " elements of " << a << " with " << right << " of " << b;
  return success();
}

SmallVector<AffineMap> MatmulOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  return {getTransA() ? projection(ctx, 3, {2, 0}) : projection(ctx, 3, {0, 2}),
          getTransB() ? projection(ctx, 3, {1, 2}) : projection(ctx, 3, {2, 1}), projection(ctx, 3, {0, 1})};
}

SmallVector<Value> MatmulOp::decompose(ImplicitLocOpBuilder &b) {
  using Dims = SmallVector<unsigned>;
  Dims lhs = getTransA() ? Dims{2, 0} : Dims{0, 2}, rhs = getTransB() ? Dims{1, 2} : Dims{2, 1};
  return {contract(b, typeOf(getC()), getA(), getB(), lhs, rhs)};
}

//===--- sum_rows ----------------------------------------------------------------------------===//

SmallVector<Value> SumRowsOp::decompose(ImplicitLocOpBuilder &b) {
  return {reduce(b, typeOf(getY()), 2, {1}, 0.0, {getX()}, {b.getMultiDimIdentityMap(2)}, sumUp)};
}
