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

/// That of all tokens, dy being 0 for those that are not kept, and kept rows of it.
SmallVector<Value> KeptAttentionGradOp::decompose(ImplicitLocOpBuilder &b) {
  int64_t tokens = getK().getType().getDimSize(0), kept = getQ().getType().getDimSize(0);
  auto perToken = RankedTensorType::get({tokens}, b.getI32Type());
  // Where among the kept a token is; −1 where it is not.
  Value places =
      reduce(b, perToken, 2, {0}, -1.0, {getRows()}, {projection(getContext(), 2, {1})},
             [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
               auto number = [&](unsigned loop) -> Value {
                 return arith::IndexCastOp::create(s, s.getI32Type(), linalg::IndexOp::create(s, loop));
               };
               Value isIt = arith::CmpIOp::create(s, arith::CmpIPredicate::eq, v[0], number(0));
               Value place = arith::SelectOp::create(s, isIt, number(1), constant(s, s.getI32Type(), -1));
               return arith::MaxSIOp::create(s, place, v[1]);
             });
  auto spread = [&](Value x) -> Value { return GatherRowsOp::create(b, x, places); };
  auto grad = AttentionGradOp::create(b, spread(getQ()), getK(), getV(), spread(getY()), /*delta=*/Value(),
                                      spread(getLse()), spread(getDy()), getHeads(), getKvHeads(), getSeq());
  SmallVector<Value> results;
  for (Value result : grad->getResults())
    results.push_back(kept == tokens ? result : GatherRowsOp::create(b, result, getRows()).getResult());
  return results;
}
