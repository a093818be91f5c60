#include "dialect/ops/layers/Loss.h"
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "dialect/interfaces/Cost.h"
#include "dialect/ops/group/Group.h"
#include "dialect/ops/quantize/Fp4.h"
#include "dialect/ops/quantize/QuantizeLines.h"
#include "dialect/ops/quantize/Random.h"
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

/// Whether a rank's part of the vocabulary is one of so many words.
template <typename Head> static LogicalResult verifyPart(Head head) {
  int64_t own = typeOf(head.getW()).getDimSize(0), among = head.getAmong(), words = head.getWords();
  bool isPart = head.getRank() ? words > 0 && own == int64_t(llvm::divideCeil(words, among)) : among == 1 && words == 0;
  if (!isPart) // linear_cross_entropy-c5, linear_cross_entropy_with_grad-c6
    return head.emitOpError("has ") << own << " words, of " << words << " that " << among << " rank"
                                    << (among == 1 ? "" : "s") << " have";
  return success();
}

/// What the gradient's products may be of.
static LogicalResult verifyBackward(Operation *op, BackwardAttr backward, Value w) {
  constexpr int64_t most = INT32_MAX / (127 * 127);
  int64_t words = typeOf(w).getDimSize(0);
  if (!backward)
    return success();
  for (BackwardFormat format : {backward.getDx(), backward.getDw()})
    if (format != BackwardFormat::f32 && format != BackwardFormat::int8) // linear_cross_entropy-c3
      return op->emitOpError("has gradients in ")
             << stringifyBackwardFormat(format) << "; those of heads are in f32 or int8";
  if (backward.getDx() == BackwardFormat::int8 && words > most) // linear_cross_entropy-c4
    return op->emitOpError("sums products of bytes over ") << words << " words; as many as " << most << " fit 32 bits";
  return success();
}

LogicalResult LinearCrossEntropyOp::verify() {
  if (failed(verifyHead(*this, getH(), getW(), getTargets(), getWeights())) || failed(verifyPart(*this)))
    return failure();
  return verifyBackward(*this, getBackwardAttr(), getW());
}

int64_t mlir::nanochat::mostChunkRows(int64_t tokens) { return std::clamp<int64_t>((tokens - 1) / 8, 1, 256); }

int64_t mlir::nanochat::bestChunkRows(int64_t tokens, int64_t most) {
  int64_t best = largestDivisor(tokens, most);
  auto cost = [&](int64_t rows) { return llvm::divideCeil(tokens, rows) * (rows + 24); };
  double limit = cost(best) * 11 / 12.0;
  for (int64_t rows = most / 8 * 8; rows > 0; rows -= 8)
    if (cost(rows) < limit)
      limit = cost(best = rows);
  return best;
}

/// Tokens whose logits exist at once.
static int64_t chunkRows(int64_t tokens, std::optional<int64_t> asked) {
  return asked ? std::min(*asked, tokens) : bestChunkRows(tokens, mostChunkRows(tokens));
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

namespace {
/// The words whose logits a rank forms: all, or its part.
struct OwnWords {
  template <typename Head>
  explicit OwnWords(Head head)
      : rank(head.getRank()), among(head.getAmong()), all(head.getWords()), own(typeOf(head.getW()).getDimSize(0)) {}

  /// Targets as numbers among the own words; those of other ranks are none of these.
  Value numbersOf(ImplicitLocOpBuilder &b, Value targets) const {
    if (!rank)
      return targets;
    return pointwise(b, {targets, rank}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
      return arith::SubIOp::create(s, v[0], first(s, v[1])).getResult();
    });
  }
  /// Logits of h by the rows of w, of which those that stand for no word are next to −∞.
  Value logits(ImplicitLocOpBuilder &b, Value h, Value w) const {
    constexpr double kNone = -1e30;
    Value logits = LinearOp::create(b, h, w, Value());
    if (own * among <= std::max(all, own))
      return logits;
    return pointwise(b, {logits, rank}, [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
      Value column = arith::IndexCastOp::create(s, s.getI32Type(), linalg::IndexOp::create(s, 1));
      Value word = arith::AddIOp::create(s, column, first(s, v[1]));
      Value isWord = arith::CmpIOp::create(s, arith::CmpIPredicate::slt, word, constant(s, word.getType(), all));
      return arith::SelectOp::create(s, isWord, v[0], constant(s, v[0].getType(), kNone));
    });
  }

  Value rank; // null where w has all
  int64_t among, all, own;

private:
  Value first(ImplicitLocOpBuilder &s, Value number) const {
    return arith::MulIOp::create(s, number, constant(s, number.getType(), own));
  }
};
} // namespace

/// log Σ_v exp z[n, v] per row, shifted by the row maximum, over the logits of all ranks.
static Value logSumExp(ImplicitLocOpBuilder &b, Value logits, int64_t among) {
  MatrixMaps maps(b.getContext());
  auto type = typeOf(logits);
  RankedTensorType rows = withShape(type, {type.getDimSize(0)});
  Value top =
      reduce(b, rows, 2, {0}, -std::numeric_limits<double>::infinity(), {logits}, {maps.full},
             [](ImplicitLocOpBuilder &s, ValueRange v) { return Value(arith::MaximumFOp::create(s, v[0], v[1])); });
  top = reduceOverGroup(b, GroupReduction::maximum, top, among);
  Value sum =
      reduce(b, rows, 2, {0}, 0.0, {logits, top}, {maps.full, maps.row}, [](ImplicitLocOpBuilder &s, ValueRange v) {
        return add(s, v[2], math::ExpOp::create(s, sub(s, v[0], v[1])));
      });
  sum = reduceOverGroup(b, GroupReduction::sum, sum, among);
  return pointwise(b, {sum, top},
                   [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, math::LogOp::create(s, v[0]), v[1]); });
}

/// 1 where column v of a logits row is its target, as an i1.
static Value isTarget(ImplicitLocOpBuilder &s, Value target) {
  Value column = arith::IndexCastOp::create(s, s.getI32Type(), linalg::IndexOp::create(s, 1));
  return arith::CmpIOp::create(s, arith::CmpIPredicate::eq, column, target);
}

/// nll per row of a chunk of logits with log-sum-exp `lse`.
static Value rowLoss(ImplicitLocOpBuilder &b, Value logits, Value lse, Value targets, int64_t among) {
  MatrixMaps maps(b.getContext());
  auto perRow = typeOf(lse);
  Value picked = reduce(b, perRow, 2, {0}, 0.0, {logits, targets}, {maps.full, maps.row},
                        [](ImplicitLocOpBuilder &s, ValueRange v) {
                          Value zero = constant(s, v[0].getType(), 0.0);
                          return add(s, v[2], arith::SelectOp::create(s, isTarget(s, v[1]), v[0], zero));
                        });
  picked = reduceOverGroup(b, GroupReduction::sum, picked, among);
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
  int64_t tokens = typeOf(getH()).getDimSize(0), rows = chunkRows(tokens, getChunk());
  OwnWords words(*this);
  SmallVector<Value> slices{toChunks(b, getH(), rows), toChunks(b, words.numbersOf(b, getTargets()), rows)};
  auto loop = LoopOp::create(b, "chunks", llvm::divideCeil(tokens, rows), ValueRange(), slices, false,
                             [&](ImplicitLocOpBuilder &in, auto, ArrayRef<BlockArgument> chunk) {
                               Value logits = words.logits(in, chunk[0], getW());
                               Value lse = logSumExp(in, logits, words.among);
                               YieldOp::create(in, ValueRange(), rowLoss(in, logits, lse, chunk[1], words.among));
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
    BackwardAttr backward = getBackwardAttr();
    Value draws;
    if (backward && backward.draws() && !getSite())
      return emitOpError("rounds gradients by chance and has no site that random numbers are of");
    if (backward && backward.draws())
      draws = DrawsOp::create(before, nameOf(getSiteAttr(), "head"));
    auto early = LinearCrossEntropyWithGradOp::create(before, getH(), getW(), getTargets(), getWeights(), backward,
                                                      draws, getRank(), getChunkAttr(), getAmong(), getWords());
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
  if (failed(verifyHead(*this, getH(), getW(), getTargets(), getWeights())) || failed(verifyPart(*this)))
    return failure();
  if (failed(verifyBackward(*this, getBackwardAttr(), getW())))
    return failure();
  bool draws = getBackward() && getBackwardAttr().draws();
  if (draws != bool(getDraws())) // linear_cross_entropy_with_grad-c4, -c5
    return emitOpError(draws ? "rounds by chance and has no random numbers, `draws`"
                             : "has random numbers and nothing that is rounded by them");
  return success();
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
/// The products of dz, of floats or of codes of 8 bits.
struct HeadProducts {
  HeadProducts(ImplicitLocOpBuilder &b, Value w, BackwardAttr backward, int64_t among)
      : w(w), among(among), ofDx(backward ? backward.getDx() : BackwardFormat::f32),
        ofDw(backward ? backward.getDw() : BackwardFormat::f32), backward(backward) {
    if (ofDx == BackwardFormat::f32)
      return;
    const double limit = factsOf(Format::int8).largest;
    LineCodes columns = quantizeLines(b, Format::int8, w, Value(), /*axis=*/0, limit);
    codes = columns.codes;
    scales = pointwise(b, columns.largest, [&](ImplicitLocOpBuilder &s, ValueRange v) {
      return mul(s, v[0], constant(s, v[0].getType(), 1 / limit));
    });
  }

  /// dz·w.
  Value inputGrad(ImplicitLocOpBuilder &b, Value dz, Value draws) const {
    if (ofDx == BackwardFormat::f32)
      return MatmulOp::create(b, dz, w, false, false);
    Value one = constant(b, withShape(typeOf(dz), {}), 1.0);
    Value dh = TernaryInputGradOp::create(b, dz, codes, one, Format::int8, part(b, ofDx, draws, 0), among);
    MatrixMaps maps(b.getContext());
    return pointwise(b, typeOf(dh), {dh, scales}, {maps.full, maps.column},
                     [](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, v[0], v[1]); });
  }
  /// dzᵀ·h.
  Value weightGrad(ImplicitLocOpBuilder &b, Value dz, Value h, Value draws) const {
    if (ofDw == BackwardFormat::f32)
      return MatmulOp::create(b, dz, h, true, false);
    auto q = QuantizeRowsOp::create(b, h);
    return TernaryWeightGradOp::create(b, dz, q.getQ(), q.getS(), Format::int8, part(b, ofDw, draws, 1));
  }

private:
  /// The random numbers of a product, if it is rounded by them, of those of both.
  Value part(ImplicitLocOpBuilder &b, BackwardFormat format, Value draws, int32_t number) const {
    if (!backward.draws(format))
      return {};
    return addressWithin(b, draws, constant(b, RankedTensorType::get({}, b.getI32Type()), number), 2);
  }

  Value w, codes, scales;
  int64_t among;
  BackwardFormat ofDx, ofDw;
  BackwardAttr backward;
};
} // namespace

SmallVector<Value> LinearCrossEntropyWithGradOp::decompose(ImplicitLocOpBuilder &b) {
  int64_t tokens = typeOf(getH()).getDimSize(0), rows = chunkRows(tokens, getChunk());
  OwnWords words(*this);
  SmallVector<Value> slices{toChunks(b, getH(), rows), toChunks(b, words.numbersOf(b, getTargets()), rows)};
  if (getWeights())
    slices.push_back(toChunks(b, getWeights(), rows));
  Value zeros = constant(b, getDw().getType(), 0.0);
  if (getDraws())
    slices.push_back(risingNumbers(b, llvm::divideCeil(tokens, rows)));
  HeadProducts products(b, getW(), getBackwardAttr(), words.among);
  auto loop =
      LoopOp::create(b, "chunks", llvm::divideCeil(tokens, rows), zeros, slices, false,
                     [&](ImplicitLocOpBuilder &in, ArrayRef<BlockArgument> sum, ArrayRef<BlockArgument> chunk) {
                       Value logits = words.logits(in, chunk[0], getW());
                       Value lse = logSumExp(in, logits, words.among);
                       Value dz =
                           logitGrad(in, logits, lse, chunk[1], getWeights() ? Value(chunk[2]) : Value(), tokens);
                       Value draws = getDraws();
                       if (draws)
                         draws = addressWithin(in, draws, chunk.back(), llvm::divideCeil(tokens, rows));
                       Value dh = products.inputGrad(in, dz, draws), dw = products.weightGrad(in, dz, chunk[0], draws);
                       YieldOp::create(in, ValueRange{arith::AddFOp::create(in, sum[0], dw)},
                                       ValueRange{rowLoss(in, logits, lse, chunk[1], words.among), dh});
                     });
  Value nll = fromChunks(b, loop.getResult(1), tokens), dh = fromChunks(b, loop.getResult(2), tokens);
  return {meanLoss(b, nll, getWeights()), nll, dh, loop.getResult(0)};
}
