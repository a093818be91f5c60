// Causal attention and its gradient. The decompositions form all (seq, seq) scores at once, which
// is fine for what a reference runs; emitters never do.
#include "dialect/Formats.h"
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

static LogicalResult verifyHeads(Operation *op, RankedTensorType q, RankedTensorType k, RankedTensorType v,
                                 int64_t heads, int64_t kvHeads, int64_t seq) {
  if (heads % kvHeads) // attention-c1
    return op->emitOpError("kv_heads = ") << kvHeads << " does not divide heads = " << heads;
  if (q.getDimSize(1) % heads) // attention-c2
    return op->emitOpError("q ") << q << " does not split into " << heads << " heads of equal width";
  int64_t width = q.getDimSize(1) / heads * kvHeads;
  for (RankedTensorType type : {k, v})
    if (type != withShape(q, {q.getDimSize(0), width})) // attention-c3
      return op->emitOpError("expected k and v of type ")
             << withShape(q, {q.getDimSize(0), width}) << " (q's tokens and kv_heads·D channels), found " << type;
  if (q.getDimSize(0) % seq) // attention-c4
    return op->emitOpError("the ") << q.getDimSize(0) << " tokens of q are no whole number of sequences of " << seq;
  return success();
}

/// f32 for bf16, which sums are not of; else the same.
static RankedTensorType widened(RankedTensorType type) {
  Type element = type.getElementType();
  return withElement(type, element.isBF16() ? Float32Type::get(type.getContext()) : element);
}
/// One number per token and head of q, as sums are.
static RankedTensorType perHead(RankedTensorType q, int64_t heads) {
  return withShape(widened(q), {q.getDimSize(0), heads});
}

namespace {
/// The loops of scores, (b, t, g, r, s): query t and key s of sequence b, query head r of those
/// that share key head g. Contractions over channels add d as a sixth loop.
struct Scores {
  ImplicitLocOpBuilder &b;
  int64_t batch, seq, groups, shared, width;
  Type element;
  enum Loop : unsigned { B, T, G, R, S, D };

  template <typename OpTy>
  Scores(ImplicitLocOpBuilder &b, OpTy op)
      : b(b), seq(op.getSeq()), groups(op.getKvHeads()), shared(op.getHeads() / op.getKvHeads()) {
    RankedTensorType q = op.getQ().getType();
    batch = q.getDimSize(0) / seq;
    width = q.getDimSize(1) / op.getHeads();
    element = widened(q).getElementType();
  }

  RankedTensorType type(ArrayRef<unsigned> loops) const {
    int64_t extents[] = {batch, seq, groups, shared, seq, width};
    SmallVector<int64_t> shape;
    for (unsigned loop : loops)
      shape.push_back(extents[loop]);
    return RankedTensorType::get(shape, element);
  }
  RankedTensorType scoreType() const { return type({B, T, G, R, S}); }
  static SmallVector<ReassociationIndices> tokensAndRest(int64_t rank) {
    SmallVector<ReassociationIndices> result{{0, 1}, {}};
    for (int64_t d = 2; d < rank; ++d)
      result[1].push_back(d);
    return result;
  }
  Value split(Value x, ArrayRef<unsigned> loops) const {
    auto given = withElement(type(loops), getElementTypeOrSelf(x));
    Value expanded = tensor::ExpandShapeOp::create(b, given, x, tokensAndRest(loops.size()));
    if (given == type(loops))
      return expanded;
    return pointwise(
        b, type(loops), {expanded}, {b.getMultiDimIdentityMap(loops.size())},
        [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value { return arith::ExtFOp::create(s, element, v[0]); });
  }
  Value join(Value x) const { return tensor::CollapseShapeOp::create(b, x, tokensAndRest(typeOf(x).getRank())); }
  AffineMap map(unsigned loops, ArrayRef<unsigned> dims) const { return projection(b.getContext(), loops, dims); }

  /// out[outDims] = Σ x[xDims]·y[yDims].
  Value contract(ArrayRef<unsigned> outDims, Value x, ArrayRef<unsigned> xDims, Value y,
                 ArrayRef<unsigned> yDims) const {
    return reduce(b, type(outDims), 6, outDims, 0.0, {x, y}, {map(6, xDims), map(6, yDims)}, sumProducts);
  }
  double scale() const { return 1.0 / std::sqrt(static_cast<double>(width)); }
  /// q·k/√D, −∞ where the key is after the query.
  Value form(Value q, Value k) const {
    Value dots = contract({B, T, G, R, S}, q, {B, T, G, R, D}, k, {B, S, G, D});
    return pointwise(b, dots, [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
      Value query = linalg::IndexOp::create(s, T), key = linalg::IndexOp::create(s, S);
      Value seen = arith::CmpIOp::create(s, arith::CmpIPredicate::ule, key, query);
      return arith::SelectOp::create(s, seen, mul(s, v[0], constant(s, element, scale())),
                                     constant(s, element, -std::numeric_limits<double>::infinity()));
    });
  }
  /// p rounded to bf16.
  Value rounded(Value p) const {
    return pointwise(b, scoreType(), {p}, {b.getMultiDimIdentityMap(5)},
                     [](ImplicitLocOpBuilder &s, ValueRange v) { return roundTo(s, Format::bf16, v[0]); });
  }
  /// The logarithm of the least power of two that is not below exp(x).
  Value toPowerOfTwo(Value x) const {
    return pointwise(b, x, [&](ImplicitLocOpBuilder &s, ValueRange v) {
      Value ln2 = constant(s, element, std::log(2.0));
      return mul(s, math::CeilOp::create(s, div(s, v[0], ln2)), ln2);
    });
  }
  /// exp(scores − shift), with one shift per row.
  Value exponentials(Value scores, Value shift) const {
    return pointwise(
        b, scoreType(), {scores, shift}, {b.getMultiDimIdentityMap(5), map(5, {B, T, G, R})},
        [](ImplicitLocOpBuilder &s, ValueRange v) -> Value { return math::ExpOp::create(s, sub(s, v[0], v[1])); });
  }
  /// Maximum of each row of scores, and the sum of `terms` over each.
  Value maxima(Value scores) const {
    SmallVector<unsigned> row{B, T, G, R};
    return reduce(
        b, type(row), 5, row, -std::numeric_limits<double>::infinity(), {scores}, {b.getMultiDimIdentityMap(5)},
        [](ImplicitLocOpBuilder &s, ValueRange v) -> Value { return arith::MaximumFOp::create(s, v[0], v[1]); });
  }
  Value sums(Value terms) const {
    SmallVector<unsigned> row{B, T, G, R};
    return reduce(b, type(row), 5, row, 0.0, {terms}, {b.getMultiDimIdentityMap(5)}, sumUp);
  }
};
} // namespace

/// Multiply-adds of one causal (seq × seq)·D product, over all sequences and heads, times two.
static int64_t causalFlops(RankedTensorType q, int64_t seq) { return 2 * q.getNumElements() * (seq + 1) / 2; }

DispatchClass AttentionOp::getDispatchClass() { return DispatchClass::attention; }
DispatchClass AttentionGradOp::getDispatchClass() { return DispatchClass::attention; }
void AttentionOp::roundWithin() { setRounded(true); }
SmallVector<OpOperand *> AttentionOp::getFactors() { return {&getQMutable(), &getKMutable(), &getVMutable()}; }
void AttentionGradOp::roundWithin() {
  ImplicitLocOpBuilder b(getLoc(), *this);
  int64_t heads = getHeads();
  auto split = [&](Value x) -> Value {
    auto type = typeOf(x);
    return tensor::ExpandShapeOp::create(b, withShape(type, {type.getDimSize(0), heads, type.getDimSize(1) / heads}), x,
                                         SmallVector<ReassociationIndices>{{0}, {1, 2}});
  };
  RankedTensorType type = perHead(getQ().getType(), heads);
  AffineMap full = b.getMultiDimIdentityMap(3);
  Value delta =
      reduce(b, type, 3, {0, 1}, 0.0, {split(getDy()), split(getY())}, {full, full},
             [&](ImplicitLocOpBuilder &s, ValueRange v) {
               Value dy = v[0].getType().isBF16() ? Value(arith::ExtFOp::create(s, type.getElementType(), v[0])) : v[0];
               return add(s, v[2], mul(s, dy, v[1]));
             });
  getYMutable().clear();
  getDeltaMutable().assign(delta);
  setRounded(true);
}
SmallVector<OpOperand *> AttentionGradOp::getFactors() {
  return {&getQMutable(), &getKMutable(), &getVMutable(), &getDyMutable()};
}

//===--- attention ---------------------------------------------------------------------------===//

LogicalResult AttentionOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto q = typeOf(adaptor.getQ());
  types.append({widened(q), perHead(q, adaptor.getHeads())});
  return success();
}

LogicalResult AttentionOp::verify() {
  return verifyHeads(*this, getQ().getType(), getK().getType(), getV().getType(), getHeads(), getKvHeads(), getSeq());
}

int64_t AttentionOp::getFlops() { return 2 * causalFlops(getQ().getType(), getSeq()); }

SmallVector<Value> AttentionOp::decompose(ImplicitLocOpBuilder &b) {
  using S = Scores;
  Scores loops(b, *this);
  Value q = loops.split(getQ(), {S::B, S::T, S::G, S::R, S::D});
  Value k = loops.split(getK(), {S::B, S::S, S::G, S::D}), v = loops.split(getV(), {S::B, S::S, S::G, S::D});
  SmallVector<unsigned> row{S::B, S::T, S::G, S::R}, query{S::B, S::T, S::G, S::R, S::D};
  Value scores = loops.form(q, k), top = loops.maxima(scores);
  // Shifted by the maximum, not by lse: an lse of 10⁴ is rounded to 10⁻³ in f32.
  if (getRounded())
    top = loops.toPowerOfTwo(top);
  Value terms = loops.exponentials(scores, top), sum = loops.sums(terms);
  if (getRounded())
    terms = loops.rounded(terms);
  Value weighted = loops.contract(query, terms, {S::B, S::T, S::G, S::R, S::S}, v, {S::B, S::S, S::G, S::D});
  Value y = pointwise(b, loops.type(query), {weighted, sum}, {b.getMultiDimIdentityMap(5), loops.map(5, row)},
                      [](ImplicitLocOpBuilder &s, ValueRange v) { return div(s, v[0], v[1]); });
  Value lse = pointwise(
      b, {sum, top}, [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, math::LogOp::create(s, v[0]), v[1]); });
  return {loops.join(y), loops.join(lse)};
}

LogicalResult AttentionOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  Value dy = ct.of(getY());
  if (!dy) // Only lse was used, which carries no gradient.
    return success();
  auto grad = AttentionGradOp::create(b, getQ(), getK(), getV(), getY(), /*delta=*/Value(), getLse(), dy, getHeads(),
                                      getKvHeads(), getSeq());
  ct.add(b, getQ(), grad.getDq());
  ct.add(b, getK(), grad.getDk());
  ct.add(b, getV(), grad.getDv());
  return success();
}

LogicalResult AttentionOp::buildKeptVJP(ImplicitLocOpBuilder &b, Cotangents &ct, const KeptRows &kept) {
  Value dy = ct.of(getY());
  if (!dy)
    return success();
  auto grad =
      KeptAttentionGradOp::create(b, kept.gather(b, getQ()), getK(), getV(), kept.gather(b, getY()),
                                  kept.gather(b, getLse()), dy, kept.getRows(), getHeads(), getKvHeads(), getSeq());
  ct.add(b, getQ(), grad.getDq());
  ct.add(b, getK(), grad.getDk());
  ct.add(b, getV(), grad.getDv());
  return success();
}

//===--- attention_grad ----------------------------------------------------------------------===//

LogicalResult AttentionGradOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                SmallVectorImpl<Type> &types) {
  for (Value x : {adaptor.getQ(), adaptor.getK(), adaptor.getV()})
    types.push_back(widened(typeOf(x)));
  return success();
}

LogicalResult AttentionGradOp::verify() {
  RankedTensorType q = getQ().getType();
  if (failed(verifyHeads(*this, q, getK().getType(), getV().getType(), getHeads(), getKvHeads(), getSeq())))
    return failure();
  RankedTensorType numbers = perHead(q, getHeads());
  if (getDy().getType() != q || (getY() && getY().getType() != widened(q))) // attention_grad-c1
    return emitOpError("expected y and dy of q's type ")
           << q << ", found " << (getY() ? Type(getY().getType()) : Type(widened(q))) << " and " << getDy().getType();
  if (getLse().getType() != numbers) // attention_grad-c2
    return emitOpError("expected lse (tokens, heads) = (")
           << q.getDimSize(0) << ", " << getHeads() << "), found " << getLse().getType();
  if (!getY() == !getDelta()) // attention_grad-c3
    return emitOpError("takes y or δ, which follows from it, and here ") << (getY() ? "are both" : "is neither");
  if (getDelta() && getDelta().getType() != numbers) // attention_grad-c4
    return emitOpError("expected δ of lse's type ") << numbers << ", found " << getDelta().getType();
  return success();
}

int64_t AttentionGradOp::getFlops() { return 5 * causalFlops(getQ().getType(), getSeq()); }

SmallVector<Value> AttentionGradOp::decompose(ImplicitLocOpBuilder &b) {
  using S = Scores;
  Scores loops(b, *this);
  SmallVector<unsigned> query{S::B, S::T, S::G, S::R, S::D}, key{S::B, S::S, S::G, S::D},
      score{S::B, S::T, S::G, S::R, S::S}, row{S::B, S::T, S::G, S::R};
  Value q = loops.split(getQ(), query), dy = loops.split(getDy(), query);
  Value k = loops.split(getK(), key), v = loops.split(getV(), key), lse = loops.split(getLse(), row);
  AffineMap rows = loops.map(5, row), full = b.getMultiDimIdentityMap(5);
  Value p = loops.exponentials(loops.form(q, k), lse);
  // Here the fifth loop of five is d, not s.
  Value delta =
      getDelta() ? loops.split(getDelta(), row)
                 : reduce(b, loops.type(row), 5, row, 0.0, {dy, loops.split(getY(), query)}, {full, full}, sumProducts);
  Value dp = loops.contract(score, dy, query, v, key);
  Value ds =
      pointwise(b, loops.scoreType(), {p, dp, delta}, {full, full, rows}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
        Value slope = mul(s, v[0], sub(s, v[1], v[2]));
        return mul(s, getRounded() ? roundTo(s, Format::bf16, slope) : slope,
                   constant(s, v[0].getType(), loops.scale()));
      });
  if (getRounded())
    p = loops.rounded(p);
  return {loops.join(loops.contract(query, ds, score, k, key)), loops.join(loops.contract(key, ds, score, q, query)),
          loops.join(loops.contract(key, p, score, dy, query))};
}
