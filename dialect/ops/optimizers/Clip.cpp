// Gradient clipping: the global norm, the factor it implies, and its application.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

//===--- grad_norm ---------------------------------------------------------------------------===//

LogicalResult GradNormOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc, Adaptor adaptor,
                                           SmallVectorImpl<Type> &types) {
  if (adaptor.getGrads().empty()) // grad_norm-c1
    return emitOptionalError(loc, "'nanochat.grad_norm' op needs at least one gradient");
  types.push_back(withShape(typeOf(adaptor.getGrads().front()), {}));
  return success();
}

LogicalResult GradNormOp::verify() {
  for (Value grad : getGrads()) // grad_norm-c2
    if (getElementTypeOrSelf(grad) != getNorm().getType().getElementType())
      return emitOpError("mixes precisions: ") << grad.getType() << " beside " << getGrads().front().getType();
  return success();
}

/// Σ x² (or Σ x) over the dims of x that are not among `kept`, the leading ones.
static Value sum(ImplicitLocOpBuilder &b, Value x, int64_t kept, bool squares) {
  auto type = typeOf(x);
  SmallVector<unsigned> dims = llvm::to_vector(llvm::seq<unsigned>(0, kept));
  return reduce(b, withShape(type, type.getShape().take_front(kept)), type.getRank(), dims, 0.0, {x},
                {b.getMultiDimIdentityMap(type.getRank())}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
                  return add(s, v[1], squares ? mul(s, v[0], v[0]) : v[0]);
                });
}

/// A stack of few long rows as 256 equal rows, where they divide it; all else as it is.
static Value inEvenRows(ImplicitLocOpBuilder &b, Value x) {
  auto type = typeOf(x);
  int64_t rows = 256, elements = type.getNumElements(), rank = type.getRank();
  if (rank < 2 || elements / type.getShape().back() >= rows || elements % rows)
    return x;
  SmallVector<ReassociationIndices> all{llvm::to_vector<2>(llvm::seq<int64_t>(0, rank))};
  Value flat = tensor::CollapseShapeOp::create(b, x, all);
  return tensor::ExpandShapeOp::create(b, withShape(type, {rows, elements / rows}), flat,
                                       SmallVector<ReassociationIndices>{{0, 1}});
}

SmallVector<Value> GradNormOp::decompose(ImplicitLocOpBuilder &b) {
  Value total;
  for (Value whole : getGrads()) {
    Value grad = inEvenRows(b, whole);
    int64_t rank = typeOf(grad).getRank();
    Value rows = rank == 0 ? mul(b, grad, grad) : sum(b, grad, rank - 1, /*squares=*/true);
    Value all = rank <= 1 ? rows : sum(b, rows, 0, /*squares=*/false);
    total = total ? add(b, total, all) : all;
  }
  return {math::SqrtOp::create(b, total)};
}

// Each gradient has its own loops; the root is taken of their common sum.
static int64_t allDims(ValueRange grads) {
  int64_t dims = 0;
  for (Value grad : grads)
    dims += typeOf(grad).getRank();
  return dims;
}
SmallVector<IteratorType> GradNormOp::getLoopIteratorTypes() {
  return SmallVector<IteratorType>(allDims(getGrads()), IteratorType::reduction);
}
SmallVector<AffineMap> GradNormOp::getIndexingMaps() {
  int64_t loops = allDims(getGrads());
  unsigned first = 0;
  SmallVector<AffineMap> maps;
  for (Value grad : getGrads()) {
    unsigned rank = typeOf(grad).getRank();
    SmallVector<unsigned> dims = llvm::to_vector(llvm::seq<unsigned>(first, first + rank));
    maps.push_back(projection(getContext(), loops, dims));
    first += rank;
  }
  maps.push_back(projection(getContext(), loops, {}));
  return maps;
}

int64_t GradNormOp::getFlops() {
  int64_t elements = 0;
  for (Value grad : getGrads())
    elements += typeOf(grad).getNumElements();
  return 2 * elements;
}

//===--- clip_scale --------------------------------------------------------------------------===//

LogicalResult ClipScaleOp::verify() {
  if (!(getMax().convertToDouble() > 0.0)) // clip_scale-c1
    return emitOpError("max = ") << getMax().convertToDouble() << " leaves no gradient: expected a positive norm";
  return success();
}

SmallVector<Value> ClipScaleOp::decompose(ImplicitLocOpBuilder &b) {
  auto c = [&](double value) { return constant(b, getNorm().getType(), value); };
  Value factor = div(b, c(getMax().convertToDouble()), add(b, getNorm(), c(1e-6)));
  return {arith::MinimumFOp::create(b, factor, c(1.0))};
}

//===--- scale -------------------------------------------------------------------------------===//

SmallVector<Value> ScaleOp::decompose(ImplicitLocOpBuilder &b) {
  return {pointwise(b, {getX(), getS()}, [](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, v[0], v[1]); })};
}

OpFoldResult ScaleOp::fold(FoldAdaptor adaptor) {
  return matchPattern(adaptor.getS(), m_OneFloat()) ? getX() : OpFoldResult();
}

LogicalResult ScaleOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  Value dy = ct.of(getY());
  if (ct.wants(getX()))
    ct.add(b, getX(), ScaleOp::create(b, dy, getS()));
  if (ct.wants(getS()))
    ct.add(b, getS(), sum(b, mul(b, dy, getX()), 0, /*squares=*/false));
  return success();
}
