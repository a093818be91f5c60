#include "lib/Distribute/TableGradients.h"
#include "dialect/Linalg.h"
#include "dialect/ops/quantize/Blocks.h"
#include "lib/Distribute/Exchanges.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

/// What tokens add to the rows of a gradient, at the end of all that is added to it; null where they do not, or where
/// it is the gradient of several parameters.
static EmbeddingGradOp addedRows(Value gradient) {
  if (llvm::count_if(gradient.getUsers(), [](Operation *user) { return !isa<GradNormOp>(user); }) != 1)
    return EmbeddingGradOp();
  auto rows = gradient.getDefiningOp<EmbeddingGradOp>();
  auto sum = gradient.getDefiningOp<arith::AddFOp>();
  for (Value value : sum ? sum->getOperands() : ValueRange())
    if (auto added = value.getDefiningOp<EmbeddingGradOp>(); added && added->hasOneUse())
      rows = added;
  return rows;
}

TableGradients::TableGradients(func::FuncOp entry, BatchResults &results, const Partition &parts)
    : entry(entry), end(entry.getBody().front().getTerminator()), parts(parts), first(end->getNumOperands()) {
  for (unsigned number : results.gradients) {
    Value gradient = end->getOperand(number);
    EmbeddingGradOp rows = addedRows(gradient);
    RankedTensorType type = typeOf(gradient);
    if (!rows || parts.ways * typeOf(rows.getTokens()).getNumElements() > type.getDimSize(0))
      continue;
    unsigned next = end->getNumOperands();
    tables.push_back({number, next, next + 1, type});
    results.perToken.append({next, next + 1});
    end->insertOperands(next, {rows.getTokens(), rows.getDy()});
    ImplicitLocOpBuilder b(rows.getLoc(), rows);
    Operation *sum = gradient.getDefiningOp();
    Value others = sum == rows ? constant(b, type, 0.0) : sum->getOperand(sum->getOperand(0) == rows.getDtable());
    gradient.replaceAllUsesWith(others);
    sum->erase();
    if (sum != rows)
      rows.erase();
  }
}

/// Of all ranks, from where both are known.
static std::pair<Value, Value> gatherRows(Value tokens, Value dy, const Partition &parts) {
  Block *block = tokens.getParentBlock();
  Operation *at = &block->front();
  for (Value value : {tokens, dy})
    if (Operation *made = value.getDefiningOp(); made && !made->isBeforeInBlock(at))
      at = made->getNextNode();
  ImplicitLocOpBuilder b(dy.getLoc(), at);
  int64_t channels = typeOf(dy).getShape().back(), own = typeOf(tokens).getNumElements(), all = own * parts.ranks;
  tokens = reshape(b, tokens, {own});
  dy = reshape(b, dy, {own, channels});
  if (parts.ranks == 1)
    return {tokens, dy};
  return {gatherShares(b, tokens, withShape(typeOf(tokens), {all})),
          gatherShares(b, dy, withShape(typeOf(dy), {all, channels}))};
}

/// The rank's own of so many rows each, by number; that of others is `rows`.
Value TableGradients::ofOwnRows(ImplicitLocOpBuilder &b, Value tokens, int64_t rows) const {
  auto integer = RankedTensorType::get({}, b.getI32Type());
  Value rank = argumentOf(entry, integer, BindAttr::get(b.getContext(), BindingKind::input, "rank"));
  AffineMap each = b.getMultiDimIdentityMap(1), one = AffineMap::get(1, 0, b.getContext());
  return pointwise(b, typeOf(tokens), {tokens, rank}, {each, one}, [&](auto &s, ValueRange v) -> Value {
    auto number = [&](int64_t value) { return arith::ConstantOp::create(s, s.getI32IntegerAttr(int32_t(value))); };
    Value row = arith::SubIOp::create(s, v[0], arith::MulIOp::create(s, v[1], number(rows)));
    Value isOwn = arith::CmpIOp::create(s, arith::CmpIPredicate::ult, row, number(rows));
    return arith::SelectOp::create(s, isOwn, row, number(rows));
  });
}

void TableGradients::putBack(ImplicitLocOpBuilder &b) {
  for (const Table &table : tables) {
    auto [tokens, dy] = gatherRows(end->getOperand(table.tokens), end->getOperand(table.rows), parts);
    Value mean = end->getOperand(table.gradient);
    RankedTensorType type = typeOf(mean);
    bool isShare = type != table.type;
    int64_t rows = type.getDimSize(0) + isShare; // and one for what is not its own
    if (isShare)
      tokens = ofOwnRows(b, tokens, type.getDimSize(0));
    Value sums = EmbeddingGradOp::create(b, withShape(type, {rows, type.getDimSize(1)}), tokens, dy);
    auto addMean = [&](ImplicitLocOpBuilder &s, Value others, Value sum) -> Value {
      Value mean = mul(s, sum, constant(s, sum.getType(), 1.0 / double(parts.ways)));
      return add(s, others, mean);
    };
    AffineMap each = b.getMultiDimIdentityMap(2);
    Value result =
        isShare ? pointwise(b, type, mean, each,
                            [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                              Value row = linalg::IndexOp::create(s, 0), column = linalg::IndexOp::create(s, 1);
                              return addMean(s, v[0], tensor::ExtractOp::create(s, sums, ValueRange{row, column}));
                            })
                : pointwise(b, type, {mean, sums}, {each, each},
                            [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value { return addMean(s, v[0], v[1]); });
    end->setOperand(table.gradient, result);
  }
  end->eraseOperands(first, end->getNumOperands() - first);
}
