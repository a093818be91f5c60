// Rows by number.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "dialect/interfaces/TokenLoops.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult GatherRowsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  types.push_back(withRows(typeOf(adaptor.getX()), 0, adaptor.getRows()));
  return success();
}

SmallVector<Value> GatherRowsOp::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType type = typeOf(getY());
  return {pointwise(b, type, getRows(), projection(getContext(), type.getRank(), {0}),
                    [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                      Value isSome =
                          arith::CmpIOp::create(s, arith::CmpIPredicate::sge, v[0], constant(s, v[0].getType(), 0));
                      Value row = arith::MaxSIOp::create(s, v[0], constant(s, v[0].getType(), 0));
                      SmallVector<Value> at{arith::IndexCastOp::create(s, s.getIndexType(), row)};
                      if (type.getRank() == 2)
                        at.push_back(linalg::IndexOp::create(s, 1));
                      Value element = tensor::ExtractOp::create(s, getX(), at);
                      Value none = arith::ConstantOp::create(s, s.getZeroAttr(type.getElementType()));
                      return arith::SelectOp::create(s, isSome, element, none);
                    })};
}

SmallVector<AffineMap> GatherRowsOp::getIndexingMaps() {
  bool isMatrix = typeOf(getX()).getRank() == 2;
  auto map = [&](ArrayRef<unsigned> dims) { return projection(getContext(), 3, dims); };
  return {isMatrix ? map({2, 1}) : map({2}), map({0}), isMatrix ? map({0, 1}) : map({0})};
}

/// Nothing is computed.
int64_t GatherRowsOp::getFlops() { return 0; }
