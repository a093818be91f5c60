// Residual streams side by side: copies, sums and mixtures of them.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "dialect/ops/layers/Hyper.h"
#include "dialect/ops/quantize/Quantize.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

/// (N, n·C) as (N, n, C), (N, n²) as (N, n, n).
static Value split(ImplicitLocOpBuilder &b, Value x, int64_t n) { return splitGroups(b, x, n); }

static Value join(ImplicitLocOpBuilder &b, Value x) {
  auto shape = typeOf(x).getShape();
  SmallVector<ReassociationIndices> groups{{0}, {1, 2}};
  return tensor::CollapseShapeOp::create(b, withShape(typeOf(x), {shape[0], shape[1] * shape[2]}), x, groups);
}

/// (d0, d1[, d2]) -> (d0, then `at`); a negative number −1 − i is the constant i.
static AffineMap mapTo(MLIRContext *ctx, unsigned loops, ArrayRef<int64_t> at) {
  SmallVector<AffineExpr> results{getAffineDimExpr(0, ctx)};
  for (int64_t i : at)
    results.push_back(i < 0 ? getAffineConstantExpr(-1 - i, ctx) : getAffineDimExpr(i, ctx));
  return AffineMap::get(loops, 0, results, ctx);
}

namespace {
/// A tensor and where loops read it.
struct Factor {
  Value tensor;
  AffineMap map;
};
} // namespace

/// The sum of terms, each a product of factors, unrolled in the loops of `type`.
static Value sumOfProducts(ImplicitLocOpBuilder &b, RankedTensorType type, ArrayRef<SmallVector<Factor, 2>> terms) {
  SmallVector<Value> ins;
  SmallVector<AffineMap> maps;
  for (ArrayRef<Factor> term : terms)
    for (const Factor &factor : term) {
      ins.push_back(factor.tensor);
      maps.push_back(factor.map);
    }
  return pointwise(b, type, ins, maps, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Value sum;
    for (ArrayRef<Factor> term : terms) {
      Value own = v[0];
      for (Value factor : v.slice(1, term.size() - 1))
        own = mul(s, own, factor);
      v = v.drop_front(term.size());
      sum = sum ? add(s, sum, own) : own;
    }
    return sum;
  });
}

/// The same of n terms that `term` makes.
static Value sumOfProducts(ImplicitLocOpBuilder &b, RankedTensorType type, int64_t n,
                           llvm::function_ref<SmallVector<Factor, 2>(int64_t)> term) {
  return sumOfProducts(b, type, llvm::map_to_vector(llvm::seq<int64_t>(0, n), term));
}

static Value productOf(ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, v[0], v[1]); }

Value mlir::nanochat::numberAt(ImplicitLocOpBuilder &b, unsigned dim, ValueRange numbers) {
  Value index = linalg::IndexOp::create(b, dim), own = numbers[0];
  for (auto [i, number] : llvm::drop_begin(llvm::enumerate(numbers))) {
    Value is = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, index, arith::ConstantIndexOp::create(b, i));
    own = arith::SelectOp::create(b, is, number, own);
  }
  return own;
}

LogicalResult mlir::nanochat::verifyStreams(Operation *op, Value x, int64_t n) {
  int64_t channels = typeOf(x).getDimSize(1);
  if (n == 0 || channels % n)
    return op->emitOpError("has ") << channels << " channels, which are no " << n << " streams of one width";
  return success();
}

//===--- copy_streams, collapse_streams ------------------------------------------------------===//

LogicalResult CopyStreamsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  RankedTensorType h = typeOf(adaptor.getH());
  types.push_back(withShape(h, {h.getDimSize(0), h.getDimSize(1) * int64_t(adaptor.getStreams())}));
  return success();
}

SmallVector<AffineMap> CopyStreamsOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  AffineExpr token = getAffineDimExpr(0, ctx), channel = getAffineDimExpr(1, ctx);
  return {AffineMap::get(2, 0, {token, channel % getH().getType().getDimSize(1)}, ctx), mapTo(ctx, 2, {1})};
}

SmallVector<Value> CopyStreamsOp::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType h = getH().getType();
  RankedTensorType type = withShape(h, {h.getDimSize(0), int64_t(getStreams()), h.getDimSize(1)});
  return {join(b, pointwise(b, type, getH(), mapTo(getContext(), 3, {2}),
                            [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; }))};
}

LogicalResult CopyStreamsOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  ct.add(b, getH(), CollapseStreamsOp::create(b, ct.of(getX()), getStreams(), /*mean=*/false));
  return success();
}

LogicalResult CollapseStreamsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                  SmallVectorImpl<Type> &types) {
  RankedTensorType x = typeOf(adaptor.getX());
  types.push_back(withShape(x, {x.getDimSize(0), x.getDimSize(1) / std::max<int64_t>(1, adaptor.getStreams())}));
  return success();
}

LogicalResult CollapseStreamsOp::verify() { return verifyStreams(*this, getX(), getStreams()); } // collapse_streams-c1

SmallVector<AffineMap> CollapseStreamsOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  AffineExpr token = getAffineDimExpr(0, ctx), channel = getAffineDimExpr(1, ctx), stream = getAffineDimExpr(2, ctx);
  return {AffineMap::get(3, 0, {token, stream * getH().getType().getDimSize(1) + channel}, ctx), mapTo(ctx, 3, {1})};
}

SmallVector<Value> CollapseStreamsOp::decompose(ImplicitLocOpBuilder &b) {
  int64_t n = getStreams();
  Value x = split(b, getX(), n);
  Value h = sumOfProducts(b, typeOf(getH()), n, [&](int64_t i) -> SmallVector<Factor, 2> {
    return {{x, mapTo(getContext(), 2, {-1 - i, 1})}};
  });
  return {getMean() ? mul(b, h, constant(b, h.getType(), 1.0 / n)) : h};
}

LogicalResult CollapseStreamsOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  Value dh = ct.of(getH());
  if (getMean())
    dh = mul(b, dh, constant(b, dh.getType(), 1.0 / int64_t(getStreams())));
  ct.add(b, getX(), CopyStreamsOp::create(b, dh, getStreams()));
  return success();
}

//===--- mix_streams -------------------------------------------------------------------------===//

LogicalResult MixStreamsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  RankedTensorType x = typeOf(adaptor.getX()), pre = typeOf(adaptor.getPre());
  types.push_back(withShape(x, {x.getDimSize(0), x.getDimSize(1) / std::max<int64_t>(1, pre.getDimSize(1))}));
  return success();
}

static LogicalResult verifyTokens(Operation *op, Value x, Value coefficients) {
  if (getElementTypeOrSelf(x) != getElementTypeOrSelf(coefficients))
    return op->emitOpError("has streams ") << x.getType() << " and " << coefficients.getType() << " of another type";
  if (typeOf(x).getDimSize(0) != typeOf(coefficients).getDimSize(0))
    return op->emitOpError("has ") << typeOf(x).getDimSize(0) << " tokens and coefficients " << coefficients.getType();
  return success();
}

LogicalResult MixStreamsOp::verify() { // mix_streams-c1, -c2, -c3
  return failure(failed(verifyTokens(*this, getX(), getPre())) ||
                 failed(verifyStreams(*this, getX(), getPre().getType().getDimSize(1))));
}

SmallVector<AffineMap> MixStreamsOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  AffineExpr token = getAffineDimExpr(0, ctx), channel = getAffineDimExpr(1, ctx), stream = getAffineDimExpr(2, ctx);
  return {AffineMap::get(3, 0, {token, stream * getY().getType().getDimSize(1) + channel}, ctx), mapTo(ctx, 3, {2}),
          mapTo(ctx, 3, {1})};
}

SmallVector<Value> MixStreamsOp::decompose(ImplicitLocOpBuilder &b) {
  int64_t n = getPre().getType().getDimSize(1);
  Value x = split(b, getX(), n);
  return {sumOfProducts(b, typeOf(getY()), n, [&](int64_t i) -> SmallVector<Factor, 2> {
    return {{x, mapTo(getContext(), 2, {-1 - i, 1})}, {getPre(), mapTo(getContext(), 2, {-1 - i})}};
  })};
}

/// d[t, i(, j)] = Σ_c of products of x and y.
static Value sumOverChannels(ImplicitLocOpBuilder &b, RankedTensorType type, Value x, ArrayRef<int64_t> atX, Value y,
                             ArrayRef<int64_t> atY) {
  unsigned loops = type.getRank() + 1;
  SmallVector<unsigned> out = llvm::to_vector(llvm::seq<unsigned>(0, type.getRank()));
  return reduce(b, type, loops, out, 0.0, {x, y},
                {mapTo(b.getContext(), loops, atX), mapTo(b.getContext(), loops, atY)}, sumProducts);
}

LogicalResult MixStreamsOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  MLIRContext *ctx = getContext();
  int64_t n = getPre().getType().getDimSize(1);
  Value dy = ct.of(getY()), x = split(b, getX(), n);
  if (ct.wants(getX()))
    ct.add(b, getX(),
           join(b, pointwise(b, typeOf(x), {dy, getPre()}, {mapTo(ctx, 3, {2}), mapTo(ctx, 3, {1})}, productOf)));
  if (ct.wants(getPre()))
    ct.add(b, getPre(), sumOverChannels(b, getPre().getType(), x, {1, 2}, dy, {2}));
  return success();
}

//===--- update_streams ----------------------------------------------------------------------===//

LogicalResult UpdateStreamsOp::verify() {
  int64_t n = getPost().getType().getDimSize(1), channels = getX().getType().getDimSize(1);
  for (Value each : {Value(getRes()), Value(getPost()), Value(getY())}) // update_streams-c1
    if (failed(verifyTokens(*this, getX(), each)))
      return failure();
  if (failed(verifyStreams(*this, getX(), n))) // update_streams-c2
    return failure();
  if (int64_t own = getRes().getType().getDimSize(1); own != n * n) // update_streams-c3
    return emitOpError("mixes ") << n << " streams by " << own << " coefficients, not " << n * n;
  if (int64_t own = getY().getType().getDimSize(1); own * n != channels) // update_streams-c4
    return emitOpError("adds ") << own << " channels to streams of " << channels / n;
  return success();
}

SmallVector<AffineMap> UpdateStreamsOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  int64_t n = getPost().getType().getDimSize(1), width = getY().getType().getDimSize(1);
  AffineExpr token = getAffineDimExpr(0, ctx), at = getAffineDimExpr(1, ctx), from = getAffineDimExpr(2, ctx);
  auto map = [&](AffineExpr second) { return AffineMap::get(3, 0, {token, second}, ctx); };
  return {map(from * width + at % width), map(at.floorDiv(width) * n + from), map(at.floorDiv(width)), map(at % width),
          map(at)};
}

SmallVector<Value> UpdateStreamsOp::decompose(ImplicitLocOpBuilder &b) {
  MLIRContext *ctx = getContext();
  int64_t n = getPost().getType().getDimSize(1);
  Value x = split(b, getX(), n), res = split(b, getRes(), n);
  SmallVector<SmallVector<Factor, 2>> terms;
  for (int64_t i = 0; i < n; ++i)
    terms.push_back({{x, mapTo(ctx, 3, {-1 - i, 2})}, {res, mapTo(ctx, 3, {1, -1 - i})}});
  terms.push_back({{getY(), mapTo(ctx, 3, {2})}, {getPost(), mapTo(ctx, 3, {1})}});
  return {join(b, sumOfProducts(b, typeOf(x), terms))};
}

/// d[t, j, i] = Σ_c dout[t, j, c]·x[t, i, c]: one stream i at a time, whose sums run along rows.
static Value outerProducts(ImplicitLocOpBuilder &b, Value dout, Value x, int64_t n) {
  RankedTensorType type = withShape(typeOf(x), {typeOf(x).getDimSize(0), n, n});
  SmallVector<Value> ofStreams;
  for (int64_t i = 0; i < n; ++i)
    ofStreams.push_back(sumOverChannels(b, withShape(type, {type.getDimSize(0), n}), dout, {1, 2}, x, {-1 - i, 2}));
  SmallVector<AffineMap> maps(n, mapTo(b.getContext(), 3, {1}));
  return pointwise(b, type, ofStreams, maps, [](ImplicitLocOpBuilder &s, ValueRange v) { return numberAt(s, 2, v); });
}

LogicalResult UpdateStreamsOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  MLIRContext *ctx = getContext();
  int64_t n = getPost().getType().getDimSize(1);
  Value dout = split(b, ct.of(getOut()), n), x = split(b, getX(), n), res = split(b, getRes(), n);
  if (ct.wants(getX()))
    ct.add(b, getX(), join(b, sumOfProducts(b, typeOf(x), n, [&](int64_t j) -> SmallVector<Factor, 2> {
                             return {{dout, mapTo(ctx, 3, {-1 - j, 2})}, {res, mapTo(ctx, 3, {-1 - j, 1})}};
                           })));
  if (ct.wants(getY()))
    ct.add(b, getY(), sumOfProducts(b, getY().getType(), n, [&](int64_t j) -> SmallVector<Factor, 2> {
             return {{dout, mapTo(ctx, 2, {-1 - j, 1})}, {getPost(), mapTo(ctx, 2, {-1 - j})}};
           }));
  if (ct.wants(getRes()))
    ct.add(b, getRes(), join(b, outerProducts(b, dout, x, n)));
  if (ct.wants(getPost()))
    ct.add(b, getPost(), sumOverChannels(b, getPost().getType(), dout, {1, 2}, getY(), {2}));
  return success();
}
