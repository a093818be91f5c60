// The ternary linear and the integer product it is made of.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "dialect/ops/group/Group.h"
#include "dialect/ops/quantize/Fp4.h"
#include "dialect/ops/quantize/Quantize.h"

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

static LogicalResult verifyChannels(Operation *op, Value x, Value w) {
  auto xt = cast<RankedTensorType>(x.getType()), wt = matrixOf(w);
  if (xt.getDimSize(1) != wt.getDimSize(1))
    return op->emitOpError("contracts ") << xt.getDimSize(1) << " channels of " << xt << " with " << wt.getDimSize(1)
                                         << " of " << wt << " (weights are out × in)";
  return success();
}

template <typename Op> static LogicalResult verifyBackward(Op op, bool inGroups, int64_t tokens, int64_t outputs) {
  BackwardAttr backward = op.getBackwardAttr();
  if (!backward)
    return success();
  // Scales within a row of weights would need a sum in float for each.
  if (inGroups && (backward.getDx() != BackwardFormat::f32 || backward.getDw() != BackwardFormat::f32))
    return op.emitOpError("has weights scaled in groups, whose gradients are products of f32; backward is ")
           << backward;
  return verifyBlocks(op, backward, tokens, outputs);
}

static RankedTensorType productType(Value x, Value w, Type element) {
  int64_t rows = cast<RankedTensorType>(x.getType()).getDimSize(0);
  return RankedTensorType::get({rows, matrixOf(w).getDimSize(0)}, element);
}

//===--- ternary_linear ----------------------------------------------------------------------===//

LogicalResult TernaryLinearOp::verify() {
  if (failed(verifyChannels(*this, getX(), getW())) || // ternary_linear-c1
      failed(verifyGroup(*this, getGroup(), getW())))  // ternary_linear-c2
    return failure();
  int64_t tokens = getX().getType().getDimSize(0), outputs = getW().getType().getDimSize(0);
  return verifyBackward(*this, getGroup(), tokens, outputs); // ternary_linear-c3
}

SmallVector<Value> TernaryLinearOp::decompose(ImplicitLocOpBuilder &b) {
  auto x = QuantizeRowsOp::create(b, getX());
  auto w = TernarizeOp::create(b, getW(), Value(), getGroup());
  return {TernaryMatmulOp::create(b, x.getQ(), x.getS(), w.getT(), w.getGamma(), getBackwardAttr(), getSiteAttr())};
}

/// Scales depend on whole rows of x and on all of w, so partial results do not simply add up.

//===--- ternary_matmul ----------------------------------------------------------------------===//

LogicalResult TernaryMatmulOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                SmallVectorImpl<Type> &types) {
  types.push_back(productType(adaptor.getQ(), adaptor.getT(), getElementTypeOrSelf(adaptor.getS())));
  return success();
}

LogicalResult TernaryMatmulOp::verify() {
  if (failed(verifyChannels(*this, getQ(), getT())) ||       // ternary_matmul-c1
      failed(verifyRowScales(*this, getQ(), getS())) ||      // ternary_matmul-c2
      failed(verifyWeightScales(*this, getT(), getGamma()))) // ternary_matmul-c3
    return failure();
  BackwardAttr backward = getBackwardAttr();
  if (backward && backward.draws() && !getSite()) // ternary_matmul-c5
    return emitOpError("rounds gradients by chance and has no site that random numbers are of");
  if (getAmong() * getOutputsAmong() > 1 && typeOf(getGamma()).getRank()) // ternary_matmul-c6
    return emitOpError("has weights scaled in groups, and ranks with parts of them");
  int64_t tokens = getQ().getType().getDimSize(0), outputs = matrixOf(getT()).getDimSize(0);
  return verifyBackward(*this, typeOf(getGamma()).getRank() > 0, tokens, outputs); // ternary_matmul-c4
}

/// acc + q·code in int32, for a reduction body that reads elements of codes `t`.
static Value multiplyAccumulate(ImplicitLocOpBuilder &s, Value t, ValueRange v) {
  Type i32 = s.getI32Type();
  Value q = decode(s, Format::int8, v[0], i32), code = decode(s, formatOfCodes(t), v[1], i32);
  return arith::AddIOp::create(s, v[2], arith::MulIOp::create(s, q, code));
}

static Value scaled(ImplicitLocOpBuilder &s, Value accumulator, Value gamma) {
  return mul(s, arith::SIToFPOp::create(s, gamma.getType(), accumulator), gamma);
}

SmallVector<Value> TernaryMatmulOp::decompose(ImplicitLocOpBuilder &b) {
  MLIRContext *ctx = getContext();
  auto type = cast<RankedTensorType>(getY().getType());
  AffineMap full = b.getMultiDimIdentityMap(2), row = projection(ctx, 2, {0});
  if (cast<RankedTensorType>(getGamma().getType()).getRank()) {
    Value one = constant(b, withShape(typeOf(getGamma()), {}), 1.0);
    int64_t group = typeOf(getQ()).getDimSize(1) / typeOf(getGamma()).getDimSize(1);
    Value sum = BlockMatmulOp::create(b, getQ(), Value(), getT(), getGamma(), one, group, /*trans_a=*/false,
                                      /*trans_b=*/true, /*site=*/StringAttr());
    return {pointwise(b, type, {sum, getS()}, {full, row},
                      [](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, v[0], v[1]); })};
  }
  Value acc = reduce(b, withElement(type, b.getI32Type()), 3, {0, 1}, 0.0, {getQ(), getT()},
                     {projection(ctx, 3, {0, 2}), codeMap(getT(), 3, 1, 2)},
                     [&](ImplicitLocOpBuilder &s, ValueRange v) { return multiplyAccumulate(s, getT(), v); });
  acc = reduceOverGroup(b, GroupReduction::sum, acc, getAmong());
  return {pointwise(b, type, {acc, getGamma(), getS()}, {full, projection(ctx, 2, {}), row},
                    [](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, scaled(s, v[0], v[1]), v[2]); })};
}

SmallVector<AffineMap> TernaryMatmulOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  return {projection(ctx, 3, {0, 2}), projection(ctx, 3, {0}), codeMap(getT(), 3, 1, 2),
          weightScaleMap(getT(), getGamma(), 3, 1, 2), projection(ctx, 3, {0, 1})};
}

/// The codes that a product of integers takes of its cotangent.
static std::optional<Format> codesOf(BackwardFormat backward) {
  bool isOfIntegers = backward == BackwardFormat::int16 || backward == BackwardFormat::int8;
  return isOfIntegers ? symbolizeFormat(stringifyBackwardFormat(backward)) : std::nullopt;
}

LogicalResult TernaryMatmulOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  Value dy = ct.of(getY());
  BackwardAttr backward = getBackwardAttr();
  BackwardFormat ofDx = backward ? backward.getDx() : BackwardFormat::f32,
                 ofDw = backward ? backward.getDw() : BackwardFormat::f32;
  auto draws = [&](BackwardFormat format, StringRef role) -> Value {
    return backward.draws(format) ? DrawsOp::create(b, nameOf(getSiteAttr(), role)).getResult() : Value();
  };
  auto inputGrad = [&]() -> Value {
    if (symbolizeFp4Format(unsigned(ofDx)))
      return fp4InputGrad(b, backward, getSiteAttr(), dy, getT(), getGamma());
    if (auto codes = codesOf(ofDx))
      return TernaryInputGradOp::create(b, dy, getT(), getGamma(), *codes, draws(ofDx, "dx"), getOutputsAmong());
    return MatmulOp::create(b, dy, DequantizeWeightOp::create(b, getT(), getGamma()), false, false);
  };
  auto weightGrad = [&]() -> Value {
    if (symbolizeFp4Format(unsigned(ofDw)))
      return fp4WeightGrad(b, backward, getSiteAttr(), dy, DequantizeRowsOp::create(b, getQ(), getS()));
    if (auto codes = codesOf(ofDw))
      return TernaryWeightGradOp::create(b, dy, getQ(), getS(), *codes, draws(ofDw, "dw"));
    return MatmulOp::create(b, dy, DequantizeRowsOp::create(b, getQ(), getS()), true, false);
  };
  if (ct.wants(getQ()))
    ct.add(b, getQ(), inputGrad());
  if (ct.wants(getT()))
    ct.add(b, getT(), weightGrad());
  return success();
}

Value TernaryMatmulOp::buildOnValues(OpBuilder &b, llvm::function_ref<Value(Value)> valueOf) {
  return LinearOp::create(b, getLoc(), valueOf(getQ()), valueOf(getT()), Value());
}
