// The gradient of attention for kept tokens.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult KeptAttentionGradOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                    SmallVectorImpl<Type> &types) {
  RankedTensorType q = typeOf(adaptor.getQ()), k = typeOf(adaptor.getK());
  RankedTensorType dk = withShape(k, {q.getDimSize(0), k.getDimSize(1)});
  types.append({q, dk, dk});
  return success();
}

LogicalResult KeptAttentionGradOp::verify() {
  RankedTensorType q = getQ().getType(), k = getK().getType();
  int64_t heads = getHeads(), kvHeads = getKvHeads(), seq = getSeq(), kept = q.getDimSize(0);
  if (heads % kvHeads || q.getDimSize(1) % heads || k.getDimSize(1) * heads != q.getDimSize(1) * kvHeads ||
      getV().getType() != k) // kept_attention_grad-c1
    return emitOpError("expected k and v of one type and q of heads as wide as theirs, found q ")
           << q << ", k " << k << " and v " << getV().getType() << " for " << heads << " heads and " << kvHeads
           << " of keys";
  if (getY().getType() != q || getDy().getType() != q ||
      getLse().getType() != withShape(q, {kept, heads})) // kept_attention_grad-c2
    return emitOpError("expected y and dy of q's type ")
           << q << " and lse " << withShape(q, {kept, heads}) << ", found " << getY().getType() << ", "
           << getDy().getType() << " and " << getLse().getType();
  int64_t tokens = k.getDimSize(0), sequences = std::max<int64_t>(1, tokens / seq);
  if (tokens % seq || getRows().getType().getDimSize(0) != kept || kept % sequences ||
      kept > tokens) // kept_attention_grad-c3
    return emitOpError("expected a row for each of the ")
           << kept << " queries, equally many of each sequence of " << seq << ", found " << getRows().getType()
           << " rows for " << tokens << " keys";
  return success();
}

DispatchClass KeptAttentionGradOp::getDispatchClass() { return DispatchClass::attention; }
bool KeptAttentionGradOp::isForGpus() { return false; }

/// Three products of kept queries and all keys before them, two of kept queries and kept keys.
int64_t KeptAttentionGradOp::getFlops() {
  int64_t sequences = getK().getType().getDimSize(0) / int64_t(getSeq()), seq = getSeq();
  int64_t kept = getQ().getType().getDimSize(0) / sequences, width = getQ().getType().getDimSize(1);
  return sequences * width * kept * (3 * (seq + 1) + 2 * (kept + 1));
}

/// Where among `rows` each token is, −1 where it is not.
static Value placesOf(ImplicitLocOpBuilder &b, Value rows, int64_t tokens, int64_t seq) {
  int64_t sequences = tokens / seq, kept = typeOf(rows).getDimSize(0) / sequences;
  auto each = RankedTensorType::get({sequences, seq}, b.getI32Type()); // loops (sequence, token, kept one)
  auto numbers = [](ImplicitLocOpBuilder &s, unsigned outer, int64_t size, unsigned inner) -> Value {
    Value first = arith::MulIOp::create(s, linalg::IndexOp::create(s, outer), arith::ConstantIndexOp::create(s, size));
    Value number = arith::AddIOp::create(s, first, linalg::IndexOp::create(s, inner));
    return arith::IndexCastOp::create(s, s.getI32Type(), number);
  };
  Value places = reduce(b, each, 3, {0, 1}, -1.0, splitRows(b, rows, kept), projection(b.getContext(), 3, {0, 2}),
                        [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                          Value token = numbers(s, 0, seq, 1), place = numbers(s, 0, kept, 2);
                          Value isIt = arith::CmpIOp::create(s, arith::CmpIPredicate::eq, v[0], token);
                          Value found = arith::SelectOp::create(s, isIt, place, constant(s, place.getType(), -1));
                          return arith::MaxSIOp::create(s, found, v[1]);
                        });
  return tensor::CollapseShapeOp::create(b, RankedTensorType::get({tokens}, b.getI32Type()), places,
                                         SmallVector<ReassociationIndices>{{0, 1}});
}

/// That of all tokens, dy being 0 for those that are not kept, and kept rows of it.
SmallVector<Value> KeptAttentionGradOp::decompose(ImplicitLocOpBuilder &b) {
  int64_t tokens = getK().getType().getDimSize(0), kept = getQ().getType().getDimSize(0);
  Value places = placesOf(b, getRows(), tokens, getSeq());
  auto spread = [&](Value x) -> Value { return GatherRowsOp::create(b, x, places); };
  auto grad = AttentionGradOp::create(b, spread(getQ()), getK(), getV(), spread(getY()), /*delta=*/Value(),
                                      spread(getLse()), spread(getDy()), getHeads(), getKvHeads(), getSeq());
  SmallVector<Value> results;
  for (Value result : grad->getResults())
    results.push_back(kept == tokens ? result : GatherRowsOp::create(b, result, getRows()).getResult());
  return results;
}
