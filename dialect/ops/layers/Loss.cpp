#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "dialect/interfaces/Cost.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

static LogicalResult verifyHead(Operation *op, Value h, Value w, Value targets, Value weights) {
  auto ht = typeOf(h), wt = typeOf(w);
  if (ht.getDimSize(1) != wt.getDimSize(1)) // linear_cross_entropy-c1
    return op->emitOpError("h ") << ht << " has " << ht.getDimSize(1) << " channels but w " << wt << " takes "
                                 << wt.getDimSize(1);
  for (Value perToken : {targets, weights}) // linear_cross_entropy-c2
    if (perToken && typeOf(perToken).getDimSize(0) != ht.getDimSize(0))
      return op->emitOpError("expected one target and one weight for each of the ")
             << ht.getDimSize(0) << " tokens of h, found " << perToken.getType();
  return success();
}

/// What the gradient's products may be of.
static LogicalResult verifyBackward(Operation *op, BackwardFormat backward, Value w) {
  constexpr int64_t most = INT32_MAX / (127 * 127);
  int64_t words = typeOf(w).getDimSize(0);
  if (backward == BackwardFormat::int8 && words > most) // linear_cross_entropy-c4
    return op->emitOpError("sums products of bytes over ") << words << " words; as many as " << most << " fit 32 bits";
  if (backward == BackwardFormat::f32 || backward == BackwardFormat::int8) // linear_cross_entropy-c3
    return success();
  return op->emitOpError("has gradients in ")
         << stringifyBackwardFormat(backward) << "; those of heads are in f32 or int8";
}

LogicalResult LinearCrossEntropyOp::verify() {
  if (failed(verifyHead(*this, getH(), getW(), getTargets(), getWeights())))
    return failure();
  return verifyBackward(*this, getBackward().value_or(BackwardFormat::f32), getW());
}

/// Tokens whose logits exist at once: fewer than an eighth of them, for memory, and at most 256. Weights are packed and
/// their gradient is read and written for every chunk, which takes as long as some 24 tokens more. Where that saves a
/// twelfth of the time, chunks do not divide the tokens: the last is filled up, for which tokens are copied.
static int64_t chunkRows(int64_t tokens) {
  int64_t most = std::clamp<int64_t>((tokens - 1) / 8, 1, 256), best = largestDivisor(tokens, most);
  auto cost = [&](int64_t rows) { return llvm::divideCeil(tokens, rows) * (rows + 24); };
  double limit = cost(best) * 11 / 12.0;
  for (int64_t rows = most / 8 * 8; rows > 0; rows -= 8)
    if (cost(rows) < limit)
      limit = cost(best = rows);
  return best;
}

/// x with `rows` rows: the first of its own, or zeros behind them.
static Value withRows(ImplicitLocOpBuilder &b, Value x, int64_t rows) {
  auto type = typeOf(x);
  int64_t own = type.getDimSize(0);
  if (own == rows)
    return x;
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = rows;
  return pointwise(b, withShape(type, shape), {}, {}, [&](ImplicitLocOpBuilder &s, ValueRange) -> Value {
    SmallVector<Value> at;
    for (int64_t d = 0; d < type.getRank(); ++d)
      at.push_back(linalg::IndexOp::create(s, d));
    if (own > rows)
      return tensor::ExtractOp::create(s, x, at);
    Value isOwn = arith::CmpIOp::create(s, arith::CmpIPredicate::ult, at[0], arith::ConstantIndexOp::create(s, own));
    at[0] = arith::MinUIOp::create(s, at[0], arith::ConstantIndexOp::create(s, own - 1));
    Value zero = arith::ConstantOp::create(s, s.getZeroAttr(type.getElementType()));
    return arith::SelectOp::create(s, isOwn, tensor::ExtractOp::create(s, x, at), zero);
  });
}

/// (N, ...) to (chunks, rows, ...).
static Value toChunks(ImplicitLocOpBuilder &b, Value x, int64_t rows) {
  return splitRows(b, withRows(b, x, llvm::alignTo(typeOf(x).getDimSize(0), rows)), rows);
}

/// The first `tokens` rows of all chunks.
static Value fromChunks(ImplicitLocOpBuilder &b, Value x, int64_t tokens) {
  SmallVector<ReassociationIndices> groups{{0, 1}};
  for (int64_t d = 2; d < typeOf(x).getRank(); ++d)
    groups.push_back({d});
  return withRows(b, tensor::CollapseShapeOp::create(b, x, groups), tokens);
}

/// log Σ_v exp z[n, v] per row, shifted by the row maximum.
static Value logSumExp(ImplicitLocOpBuilder &b, Value logits) {
  MatrixMaps maps(b.getContext());
  auto type = typeOf(logits);
  RankedTensorType rows = withShape(type, {type.getDimSize(0)});
  Value top =
      reduce(b, rows, 2, {0}, -std::numeric_limits<double>::infinity(), {logits}, {maps.full},
             [](ImplicitLocOpBuilder &s, ValueRange v) { return Value(arith::MaximumFOp::create(s, v[0], v[1])); });
  Value sum =
      reduce(b, rows, 2, {0}, 0.0, {logits, top}, {maps.full, maps.row}, [](ImplicitLocOpBuilder &s, ValueRange v) {
        return add(s, v[2], math::ExpOp::create(s, sub(s, v[0], v[1])));
      });
  return pointwise(b, {sum, top},
                   [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, math::LogOp::create(s, v[0]), v[1]); });
}

/// 1 where column v of a logits row is its target, as an i1.
static Value isTarget(ImplicitLocOpBuilder &s, Value target) {
  Value column = arith::IndexCastOp::create(s, s.getI32Type(), linalg::IndexOp::create(s, 1));
  return arith::CmpIOp::create(s, arith::CmpIPredicate::eq, column, target);
}

/// nll per row of a chunk of logits with log-sum-exp `lse`.
static Value rowLoss(ImplicitLocOpBuilder &b, Value logits, Value lse, Value targets) {
  MatrixMaps maps(b.getContext());
  auto perRow = typeOf(lse);
  Value picked = reduce(b, perRow, 2, {0}, 0.0, {logits, targets}, {maps.full, maps.row},
                        [](ImplicitLocOpBuilder &s, ValueRange v) {
                          Value zero = constant(s, v[0].getType(), 0.0);
                          return add(s, v[2], arith::SelectOp::create(s, isTarget(s, v[1]), v[0], zero));
                        });
  return pointwise(b, {lse, picked}, [](ImplicitLocOpBuilder &s, ValueRange v) { return sub(s, v[0], v[1]); });
}

/// (1/N) Σ weights·nll; `weights` may be null.
static Value meanLoss(ImplicitLocOpBuilder &b, Value nll, Value weights) {
  auto type = typeOf(nll);
  SmallVector<Value> ins{nll};
  if (weights)
    ins.push_back(weights);
  SmallVector<AffineMap> perToken(ins.size(), b.getMultiDimIdentityMap(1));
  return reduce(b, withShape(type, {}), 1, {}, 0.0, ins, perToken, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Value scaled = mul(s, v[0], constant(s, v[0].getType(), 1.0 / type.getDimSize(0)));
    return add(s, v.back(), weights ? mul(s, scaled, v[1]) : scaled);
  });
}

SmallVector<Value> LinearCrossEntropyOp::decompose(ImplicitLocOpBuilder &b) {
  int64_t tokens = typeOf(getH()).getDimSize(0), rows = chunkRows(tokens);
  SmallVector<Value> slices{toChunks(b, getH(), rows), toChunks(b, getTargets(), rows)};
  auto loop = LoopOp::create(b, "chunks", llvm::divideCeil(tokens, rows), ValueRange(), slices, false,
                             [&](ImplicitLocOpBuilder &in, auto, ArrayRef<BlockArgument> chunk) {
                               Value logits = LinearOp::create(in, chunk[0], getW(), Value());
                               YieldOp::create(in, ValueRange(), rowLoss(in, logits, logSumExp(in, logits), chunk[1]));
                             });
  Value nll = fromChunks(b, loop.getResult(0), tokens);
  return {meanLoss(b, nll, getWeights()), nll};
}

LogicalResult LinearCrossEntropyOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  Value dloss = ct.of(getLoss());
  if (!dloss) // Only nll was used, which carries no gradient.
    return success();
  Value nll = getNll();
  if (ct.wants(getH()) || ct.wants(getW())) {
    ImplicitLocOpBuilder before(getLoc(), *this);
    auto early = LinearCrossEntropyWithGradOp::create(before, getH(), getW(), getTargets(), getWeights(),
                                                      getBackward().value_or(BackwardFormat::f32));
    getLoss().replaceAllUsesWith(early.getLoss());
    nll.replaceAllUsesWith(early.getNll());
    nll = early.getNll();
    ct.add(b, getH(), ScaleOp::create(b, early.getDh(), dloss));
    ct.add(b, getW(), ScaleOp::create(b, early.getDw(), dloss));
  }
  if (getWeights() && ct.wants(getWeights())) {
    ct.add(b, getWeights(), pointwise(b, {nll, dloss}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
             Value mean = constant(s, v[0].getType(), 1.0 / typeOf(nll).getDimSize(0));
             return mul(s, v[0], mul(s, v[1], mean));
           }));
  }
  return success();
}

Value LinearCrossEntropyOp::buildLogits(OpBuilder &builder, Value position, int64_t seq) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  int64_t batch = typeOf(getH()).getDimSize(0) / seq;
  auto rows = RankedTensorType::get({batch}, b.getI32Type());
  Value index =
      pointwise(b, rows, {position}, {projection(getContext(), 1, {})}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
        Value row = arith::IndexCastOp::create(s, s.getI32Type(), linalg::IndexOp::create(s, 0));
        Value first = arith::MulIOp::create(s, row, constant(s, s.getI32Type(), seq));
        return Value(arith::AddIOp::create(s, first, v[0]));
      });
  return LinearOp::create(b, EmbeddingOp::create(b, index, getH()), getW(), Value());
}

//===--- linear_cross_entropy_with_grad ------------------------------------------------------===//

LogicalResult LinearCrossEntropyWithGradOp::verify() { // linear_cross_entropy_with_grad-c1, -c2, -c3: as the loss
  if (failed(verifyHead(*this, getH(), getW(), getTargets(), getWeights())))
    return failure();
  return verifyBackward(*this, getBackward(), getW());
}

int64_t LinearCrossEntropyWithGradOp::getFlops() { return 3 * 2 * iterationPoints(*this); }

/// dz of a chunk of logits with log-sum-exp `lse`; `weights` may be null.
static Value logitGrad(ImplicitLocOpBuilder &b, Value logits, Value lse, Value targets, Value weights, int64_t tokens) {
  MatrixMaps maps(b.getContext());
  SmallVector<Value> ins{logits, lse, targets};
  SmallVector<AffineMap> indexing{maps.full, maps.row, maps.row};
  if (weights) {
    ins.push_back(weights);
    indexing.push_back(maps.row);
  }
  return pointwise(b, typeOf(logits), ins, indexing, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Type f = v[0].getType();
    Value p = math::ExpOp::create(s, sub(s, v[0], v[1]));
    Value hit = arith::SelectOp::create(s, isTarget(s, v[2]), constant(s, f, 1.0), constant(s, f, 0.0));
    Value mean = constant(s, f, 1.0 / tokens);
    return mul(s, weights ? mul(s, mean, v[3]) : mean, sub(s, p, hit));
  });
}

namespace {
/// The factor w of dz·w: as it is, or in codes of 8 bits with a scale for each column.
struct HeadFactor {
  HeadFactor(ImplicitLocOpBuilder &b, Value w, BackwardFormat backward) : w(w) {
    if (backward == BackwardFormat::f32)
      return;
    RankedTensorType type = typeOf(w);
    MatrixMaps maps(b.getContext());
    Value largest = reduce(b, withShape(type, {type.getDimSize(1)}), 2, {1}, 1e-30, w, maps.full,
                           [](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                             return arith::MaximumFOp::create(s, v[1], math::AbsFOp::create(s, v[0]));
                           });
    const FormatFacts &int8 = factsOf(Format::int8);
    scales = pointwise(b, largest, [&](ImplicitLocOpBuilder &s, ValueRange v) {
      return mul(s, v[0], constant(s, v[0].getType(), 1 / int8.largest));
    });
    codes = pointwise(b, withElement(type, int8.storage(b)), {w, largest}, {maps.full, maps.column},
                      [&](ImplicitLocOpBuilder &s, ValueRange v) {
                        Value inverse = div(s, constant(s, v[0].getType(), int8.largest), v[1]);
                        return encode(s, Format::int8, mul(s, v[0], inverse));
                      });
  }

  /// dz·w.
  Value inputGrad(ImplicitLocOpBuilder &b, Value dz) const {
    if (!codes)
      return MatmulOp::create(b, dz, w, false, false);
    Value one = constant(b, withShape(typeOf(dz), {}), 1.0);
    Value dh = TernaryInputGradOp::create(b, dz, codes, one, Format::int8);
    MatrixMaps maps(b.getContext());
    return pointwise(b, typeOf(dh), {dh, scales}, {maps.full, maps.column},
                     [](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, v[0], v[1]); });
  }
  /// dzᵀ·h.
  Value weightGrad(ImplicitLocOpBuilder &b, Value dz, Value h) const {
    if (!codes)
      return MatmulOp::create(b, dz, h, true, false);
    auto q = QuantizeRowsOp::create(b, h);
    return TernaryWeightGradOp::create(b, dz, q.getQ(), q.getS(), Format::int8);
  }

private:
  Value w, codes, scales;
};
} // namespace

SmallVector<Value> LinearCrossEntropyWithGradOp::decompose(ImplicitLocOpBuilder &b) {
  int64_t tokens = typeOf(getH()).getDimSize(0), rows = chunkRows(tokens);
  SmallVector<Value> slices{toChunks(b, getH(), rows), toChunks(b, getTargets(), rows)};
  if (getWeights())
    slices.push_back(toChunks(b, getWeights(), rows));
  Value zeros = constant(b, getDw().getType(), 0.0);
  HeadFactor factor(b, getW(), getBackward());
  auto loop = LoopOp::create(b, "chunks", llvm::divideCeil(tokens, rows), zeros, slices, false,
                             [&](ImplicitLocOpBuilder &in, ArrayRef<BlockArgument> sum, ArrayRef<BlockArgument> chunk) {
                               Value logits = LinearOp::create(in, chunk[0], getW(), Value());
                               Value lse = logSumExp(in, logits);
                               Value dz = logitGrad(in, logits, lse, chunk[1], getWeights() ? Value(chunk[2]) : Value(),
                                                    tokens);
                               Value dh = factor.inputGrad(in, dz), dw = factor.weightGrad(in, dz, chunk[0]);
                               YieldOp::create(in, ValueRange{arith::AddFOp::create(in, sum[0], dw)},
                                               ValueRange{rowLoss(in, logits, lse, chunk[1]), dh});
                             });
  Value nll = fromChunks(b, loop.getResult(1), tokens), dh = fromChunks(b, loop.getResult(2), tokens);
  return {meanLoss(b, nll, getWeights()), nll, dh, loop.getResult(0)};
}
