// The gradient of the ternary product as integer products.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "dialect/ops/quantize/Quantize.h"
#include "dialect/ops/quantize/QuantizeLines.h"
#include "dialect/ops/quantize/Random.h"

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

/// The largest code of `format` of which int32 holds the sum of `terms` products with up to `factor`.
static double largestCode(Format format, int64_t terms, int64_t factor) {
  return std::min(factsOf(format).largest, double(INT32_MAX / (terms * factor)));
}

static LogicalResult verifyInteger(Operation *op, Format format, Value draws) {
  if (draws && format == Format::int16)
    return op->emitOpError("rounds codes in int16 by chance, which only those in int8 are");
  if (format == Format::int16 || format == Format::int8)
    return success();
  return op->emitOpError("has codes in ") << stringifyFormat(format) << "; they are int16 or int8";
}

/// acc + x·y in int32 of codes in formats `ofX` and `ofY`.
static Value multiplyAdd(ImplicitLocOpBuilder &s, Format ofX, Format ofY, ValueRange xyAcc) {
  Type i32 = s.getI32Type();
  Value x = decode(s, ofX, xyAcc[0], i32), y = decode(s, ofY, xyAcc[1], i32);
  return arith::AddIOp::create(s, xyAcc[2], arith::MulIOp::create(s, x, y));
}

/// accumulator·largest/limit.
static Value rescaled(ImplicitLocOpBuilder &s, Value accumulator, Value largest, double limit) {
  Value value = arith::SIToFPOp::create(s, largest.getType(), accumulator);
  return mul(s, value, mul(s, largest, constant(s, largest.getType(), 1 / limit)));
}

//===--- ternary_input_grad ------------------------------------------------------------------===//

LogicalResult TernaryInputGradOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                   SmallVectorImpl<Type> &types) {
  RankedTensorType dy = typeOf(adaptor.getDy());
  types.push_back(withShape(dy, {dy.getDimSize(0), matrixOf(adaptor.getT()).getDimSize(1)}));
  return success();
}

LogicalResult TernaryInputGradOp::verify() { // ternary_input_grad-c1
  if (int64_t outputs = matrixOf(getT()).getDimSize(0); getDy().getType().getDimSize(1) != outputs)
    return emitOpError("has gradients ") << getDy().getType() << " of weights with " << outputs << " outputs";
  return verifyInteger(*this, getFormat(), getDraws()); // ternary_input_grad-c2, -c3
}

SmallVector<Value> TernaryInputGradOp::decompose(ImplicitLocOpBuilder &b) {
  MLIRContext *ctx = getContext();
  RankedTensorType dy = getDy().getType(), dx = getDx().getType();
  AffineMap full = b.getMultiDimIdentityMap(2), row = projection(ctx, 2, {0});
  double limit = largestCode(getFormat(), dy.getDimSize(1) * int64_t(getAmong()), 1);
  auto [codes, largest] = quantizeLines(b, getFormat(), getDy(), Value(), /*axis=*/1, limit, getDraws(), getAmong());
  Value acc =
      reduce(b, withElement(dx, b.getI32Type()), 3, {0, 1}, 0.0, {codes, getT()},
             {projection(ctx, 3, {0, 2}), codeMap(getT(), 3, 2, 1)}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
               return multiplyAdd(s, getFormat(), formatOfCodes(getT()), v);
             });
  return {
      pointwise(b, dx, {acc, largest, getGamma()}, {full, row, projection(ctx, 2, {})},
                [&](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, rescaled(s, v[0], v[1], limit), v[2]); })};
}

/// Scales depend on whole rows of dy.
SmallVector<AffineMap> TernaryInputGradOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  SmallVector<AffineMap> maps{projection(ctx, 3, {0, 2}), codeMap(getT(), 3, 2, 1), projection(ctx, 3, {})};
  if (getDraws())
    maps.push_back(AffineMap::get(3, 0, getAffineConstantExpr(0, ctx)));
  maps.push_back(projection(ctx, 3, {0, 1}));
  return maps;
}

//===--- ternary_weight_grad -----------------------------------------------------------------===//

LogicalResult TernaryWeightGradOp::verify() {
  int64_t tokens = getDy().getType().getDimSize(0);
  if (getQ().getType().getDimSize(0) != tokens) // ternary_weight_grad-c1
    return emitOpError("has gradients of ") << tokens << " tokens and codes of " << getQ().getType().getDimSize(0);
  if (failed(verifyRowScales(*this, getQ(), getS()))) // ternary_weight_grad-c2
    return failure();
  return verifyInteger(*this, getFormat(), getDraws()); // ternary_weight_grad-c3, -c4
}

/// Tokens whose products are added up in int32.
static int64_t blockOf(Format format, int64_t tokens) {
  const int64_t exact = INT32_MAX / (128 * factsOf(format).largest); // of whole codes and bytes
  int64_t block = largestDivisor(tokens, std::min(tokens, exact));
  if (2 * block < exact && block != tokens)
    for (block = exact; tokens % block;)
      ++block;
  return block;
}

/// The gradient of one block.
static Value weightGrad(ImplicitLocOpBuilder &b, Format format, RankedTensorType dw, Value dy, Value q, Value s,
                        Value draws) {
  MLIRContext *ctx = b.getContext();
  RankedTensorType type = typeOf(dy);
  double limit = largestCode(format, type.getDimSize(0), 128);
  auto [codes, largest] = quantizeLines(b, format, dy, s, /*axis=*/0, limit, draws);
  Value acc = reduce(b, withElement(dw, b.getI32Type()), 3, {0, 1}, 0.0, {codes, q},
                     {projection(ctx, 3, {2, 0}), projection(ctx, 3, {2, 1})},
                     [&](ImplicitLocOpBuilder &in, ValueRange v) { return multiplyAdd(in, format, Format::int8, v); });
  return pointwise(b, dw, {acc, largest}, {projection(ctx, 2, {0, 1}), projection(ctx, 2, {0})},
                   [&](ImplicitLocOpBuilder &in, ValueRange v) { return rescaled(in, v[0], v[1], limit); });
}

SmallVector<Value> TernaryWeightGradOp::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType dw = getDw().getType();
  int64_t tokens = getDy().getType().getDimSize(0), block = blockOf(getFormat(), tokens);
  if (block == tokens)
    return {weightGrad(b, getFormat(), dw, getDy(), getQ(), getS(), getDraws())};
  SmallVector<Value> stacks{splitRows(b, getDy(), block), splitRows(b, getQ(), block), splitRows(b, getS(), block)};
  if (getDraws())
    stacks.push_back(risingNumbers(b, tokens / block));
  auto loop =
      LoopOp::create(b, "token_blocks", tokens / block, constant(b, dw, 0.0), stacks, false,
                     [&](ImplicitLocOpBuilder &in, ArrayRef<BlockArgument> carries, ArrayRef<BlockArgument> slices) {
                       Value draws = getDraws();
                       if (draws)
                         draws = addressWithin(in, draws, slices[3], tokens / block);
                       Value term = weightGrad(in, getFormat(), dw, slices[0], slices[1], slices[2], draws);
                       YieldOp::create(in, ValueRange(add(in, carries[0], term)), ValueRange());
                     });
  return {loop.getResult(0)};
}
