// Residual streams side by side: copies, sums and mixtures of them.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
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

/// Σ_i of body(i-th inputs): of `n` terms, unrolled, in the loops of `type`.
static Value sumTerms(ImplicitLocOpBuilder &b, RankedTensorType type, int64_t n, ValueRange operands,
                      llvm::function_ref<SmallVector<AffineMap>(int64_t)> mapsOf, ScalarBody term, Value last = {},
                      AffineMap mapOfLast = {}, Value lastFactor = {}, AffineMap mapOfFactor = {}) {
  SmallVector<Value> ins;
  SmallVector<AffineMap> maps;
  for (int64_t i = 0; i < n; ++i) {
    llvm::append_range(ins, operands);
    llvm::append_range(maps, mapsOf(i));
  }
  if (last) {
    ins.append({last, lastFactor});
    maps.append({mapOfLast, mapOfFactor});
  }
  size_t each = operands.size();
  return pointwise(b, type, ins, maps, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Value sum;
    for (int64_t i = 0; i < n; ++i) {
      Value own = term(s, v.slice(i * each, each));
      sum = sum ? add(s, sum, own) : own;
    }
    return last ? add(s, sum, mul(s, v[n * each], v[n * each + 1])) : sum;
  });
}

static Value first(ImplicitLocOpBuilder &, ValueRange v) { return v[0]; }
static Value productOf(ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, v[0], v[1]); }

static LogicalResult verifyStreams(Operation *op, Value x, int64_t n) {
  int64_t channels = typeOf(x).getDimSize(1);
  if (channels % n)
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
  return {join(b, pointwise(b, type, getH(), mapTo(getContext(), 3, {2}), first))};
}

LogicalResult CopyStreamsOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  ct.add(b, getH(), CollapseStreamsOp::create(b, ct.of(getX()), getStreams(), /*mean=*/false));
  return success();
}

LogicalResult CollapseStreamsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                  SmallVectorImpl<Type> &types) {
  RankedTensorType x = typeOf(adaptor.getX());
  types.push_back(withShape(x, {x.getDimSize(0), x.getDimSize(1) / int64_t(adaptor.getStreams())}));
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
  auto mapsOf = [&](int64_t i) { return SmallVector<AffineMap>{mapTo(getContext(), 2, {-1 - i, 1})}; };
  Value h = sumTerms(b, typeOf(getH()), n, split(b, getX(), n), mapsOf, first);
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
  types.push_back(withShape(x, {x.getDimSize(0), x.getDimSize(1) / pre.getDimSize(1)}));
  return success();
}

static LogicalResult verifyTokens(Operation *op, Value x, Value coefficients) {
  if (typeOf(x).getDimSize(0) != typeOf(coefficients).getDimSize(0))
    return op->emitOpError("has ") << typeOf(x).getDimSize(0) << " tokens and coefficients " << coefficients.getType();
  return success();
}

LogicalResult MixStreamsOp::verify() { // mix_streams-c1, -c2
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
  auto mapsOf = [&](int64_t i) {
    return SmallVector<AffineMap>{mapTo(getContext(), 2, {-1 - i, 1}), mapTo(getContext(), 2, {-1 - i})};
  };
  return {sumTerms(b, typeOf(getY()), n, {split(b, getX(), n), getPre()}, mapsOf, productOf)};
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
  auto mapsOf = [&](int64_t i) {
    return SmallVector<AffineMap>{mapTo(ctx, 3, {-1 - i, 2}), mapTo(ctx, 3, {1, -1 - i})};
  };
  return {join(b, sumTerms(b, typeOf(x), n, {x, res}, mapsOf, productOf, getY(), mapTo(ctx, 3, {2}), getPost(),
                           mapTo(ctx, 3, {1})))};
}

/// d[t, j, i] = Σ_c dout[t, j, c]·x[t, i, c]: one stream i at a time, whose sums run along rows.
static Value outerProducts(ImplicitLocOpBuilder &b, Value dout, Value x, int64_t n) {
  RankedTensorType type = withShape(typeOf(x), {typeOf(x).getDimSize(0), n, n});
  SmallVector<Value> ofStreams;
  for (int64_t i = 0; i < n; ++i)
    ofStreams.push_back(sumOverChannels(b, withShape(type, {type.getDimSize(0), n}), dout, {1, 2}, x, {-1 - i, 2}));
  SmallVector<AffineMap> maps(n, mapTo(b.getContext(), 3, {1}));
  return pointwise(b, type, ofStreams, maps, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Value stream = linalg::IndexOp::create(s, 2), own = v[0];
    for (int64_t i = 1; i < n; ++i) {
      Value is = arith::CmpIOp::create(s, arith::CmpIPredicate::eq, stream, arith::ConstantIndexOp::create(s, i));
      own = arith::SelectOp::create(s, is, v[i], own);
    }
    return own;
  });
}

LogicalResult UpdateStreamsOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  MLIRContext *ctx = getContext();
  int64_t n = getPost().getType().getDimSize(1);
  Value dout = split(b, ct.of(getOut()), n), x = split(b, getX(), n), res = split(b, getRes(), n);
  if (ct.wants(getX())) {
    auto mapsOf = [&](int64_t j) {
      return SmallVector<AffineMap>{mapTo(ctx, 3, {-1 - j, 2}), mapTo(ctx, 3, {-1 - j, 1})};
    };
    ct.add(b, getX(), join(b, sumTerms(b, typeOf(x), n, {dout, res}, mapsOf, productOf)));
  }
  if (ct.wants(getY())) {
    auto mapsOf = [&](int64_t j) {
      return SmallVector<AffineMap>{mapTo(ctx, 2, {-1 - j, 1}), mapTo(ctx, 2, {-1 - j})};
    };
    ct.add(b, getY(), sumTerms(b, getY().getType(), n, {dout, getPost()}, mapsOf, productOf));
  }
  if (ct.wants(getRes()))
    ct.add(b, getRes(), join(b, outerProducts(b, dout, x, n)));
  if (ct.wants(getPost()))
    ct.add(b, getPost(), sumOverChannels(b, getPost().getType(), dout, {1, 2}, getY(), {2}));
  return success();
}
