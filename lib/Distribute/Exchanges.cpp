#include "lib/Distribute/Exchanges.h"
#include "dialect/Linalg.h"
#include "dialect/ops/quantize/Blocks.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Lanes of gradients that are on their way to be added, and of sums that come back.
static constexpr int64_t kAhead = 6, kBack = 2;

static Value finishExchange(ImplicitLocOpBuilder &b, ExchangeStartOp start) {
  return ExchangeDoneOp::create(b, start).getZ();
}

/// The mean of the elements at `maps` of `slices`, which is added up in a binary tree of neighbours: the first and the
/// second, the third and the fourth, and so on; then of these sums.
static Value meanOf(ImplicitLocOpBuilder &b, RankedTensorType type, Value slices, ArrayRef<AffineMap> maps) {
  SmallVector<Value> leaves(maps.size(), slices);
  return pointwise(b, type, leaves, maps, [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    SmallVector<Value> level(v);
    while (level.size() > 1) {
      for (size_t i = 0; i + 1 < level.size(); i += 2)
        level[i / 2] = add(s, level[i], level[i + 1]);
      if (level.size() % 2)
        level[level.size() / 2] = level.back();
      level.resize((level.size() + 1) / 2);
    }
    return mul(s, level[0], constant(s, level[0].getType(), 1.0 / double(maps.size())));
  });
}

/// The mean of rows: of (ways of a rank, ranks, …), or of (ways, …) where `ranks` is 1.
static Value meanOfRows(ImplicitLocOpBuilder &b, Value slices, const Shares &shares, bool byRank) {
  RankedTensorType type = typeOf(slices);
  int64_t leading = byRank ? 2 : 1;
  SmallVector<AffineMap> maps;
  for (int64_t way = 0; way < shares.ways; ++way) {
    SmallVector<AffineExpr> at{b.getAffineConstantExpr(way)};
    if (byRank)
      at = {b.getAffineConstantExpr(way % shares.ofRank()), b.getAffineConstantExpr(way / shares.ofRank())};
    for (int64_t d = leading; d < type.getRank(); ++d)
      at.push_back(b.getAffineDimExpr(d - leading));
    maps.push_back(AffineMap::get(type.getRank() - leading, 0, at, b.getContext()));
  }
  return meanOf(b, withShape(type, type.getShape().drop_front(leading)), slices, maps);
}

/// Starts to send the slices of a flat gradient to where they are added.
static ExchangeStartOp sendSlices(ImplicitLocOpBuilder &b, Value flat, int64_t ranks, int64_t lane) {
  RankedTensorType type = typeOf(flat);
  RankedTensorType slices = withShape(type, {ranks, int64_t(llvm::divideCeil(type.getNumElements(), ranks))});
  return ExchangeStartOp::create(b, slices, Collective::all_to_all, flat, lane, Value());
}

/// The means of slices, which become the whole at `over`.
static ExchangeStartOp gatherSlices(ImplicitLocOpBuilder &b, Value slice, RankedTensorType whole, Value over,
                                    int64_t lane) {
  return ExchangeStartOp::create(b, whole, Collective::all_gather, slice, lane, over);
}

void GradientExchange::start(ImplicitLocOpBuilder &b, Value gradient, RankedTensorType type) {
  if (shares.ofRank() > 1) {
    gradients.push_back({type, Value(), {}, {}, sumOfStack(b, gradient, type)});
    return;
  }
  if (gradients.size() - summed == (overlap ? kAhead : 1))
    sum(b);
  Value flat = flatten(b, gradient);
  gradients.push_back({type, flat, sendSlices(b, flat, shares.ranks, int64_t(gradients.size()) % kAhead), {}, Value()});
  if (!overlap)
    sum(b), gather(b);
}

/// Of several ways of each rank: all slices first, way by way.
Value GradientExchange::sumOfStack(ImplicitLocOpBuilder &b, Value stack, RankedTensorType type) {
  int64_t elements = type.getNumElements();
  Value ways = reshape(b, stack, {shares.ofRank(), elements});
  if (shares.ranks == 1)
    return reshape(b, meanOfRows(b, ways, shares, /*byRank=*/false), type.getShape());
  auto exchanged = LoopOp::create(b, "ways", shares.ofRank(), ValueRange(), ways, false,
                                  [&](ImplicitLocOpBuilder &in, auto, ArrayRef<BlockArgument> slices) {
                                    ExchangeStartOp start = sendSlices(in, slices[0], shares.ranks, 0);
                                    YieldOp::create(in, ValueRange(), finishExchange(in, start));
                                  });
  Value mean = meanOfRows(b, exchanged.getResult(0), shares, /*byRank=*/true);
  Value whole = finishExchange(b, gatherSlices(b, mean, withShape(type, {elements}), Value(), 0));
  return reshape(b, whole, type.getShape());
}

void GradientExchange::sum(ImplicitLocOpBuilder &b) {
  if (summed - gathered == kBack)
    gather(b);
  Gradient &next = gradients[summed];
  Value mean = meanOfRows(b, finishExchange(b, next.slices), shares, /*byRank=*/false);
  next.means = gatherSlices(b, mean, typeOf(next.flat), next.flat, kAhead + int64_t(summed) % kBack);
  ++summed;
}

void GradientExchange::gather(ImplicitLocOpBuilder &b) {
  Gradient &next = gradients[gathered++];
  next.whole = reshape(b, finishExchange(b, next.means), next.type.getShape());
}

SmallVector<Value> GradientExchange::finish(ImplicitLocOpBuilder &b) {
  if (shares.ofRank() == 1) {
    while (summed < gradients.size())
      sum(b);
    while (gathered < gradients.size())
      gather(b);
  }
  return llvm::map_to_vector(gradients, [](const Gradient &gradient) { return gradient.whole; });
}

Value mlir::nanochat::meanOverWays(ImplicitLocOpBuilder &b, Value numbers, const Shares &shares) {
  Value own = reshape(b, numbers, {shares.ofRank()});
  Value all = own;
  if (shares.ranks > 1)
    all = finishExchange(b, ExchangeStartOp::create(b, withShape(typeOf(own), {shares.ways}), Collective::all_gather, own,
                                                    0, Value()));
  return meanOfRows(b, all, shares, /*byRank=*/false);
}

Value mlir::nanochat::ofFirstRank(ImplicitLocOpBuilder &b, Value value) {
  return finishExchange(b, ExchangeStartOp::create(b, value.getType(), Collective::broadcast, value, 0, Value()));
}
