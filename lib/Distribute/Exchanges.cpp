#include "lib/Distribute/Exchanges.h"
#include "dialect/Linalg.h"
#include "dialect/ops/quantize/Blocks.h"
#include "lib/Distribute/Ternary.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Lanes: of gradients that are on their way to be added, of sums that come back, of what is gathered from shares, and
/// of exchanges in loops, each of which ends before the next begins.
static constexpr int64_t kAhead = 3, kBack = 2, kInLoops = 7;
static_assert(kAhead + kBack == kFirstGather && kFirstGather + kGathers == kInLoops);

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
static Value meanOfRows(ImplicitLocOpBuilder &b, Value slices, const Partition &parts, bool byRank) {
  RankedTensorType type = typeOf(slices);
  int64_t leading = byRank ? 2 : 1;
  SmallVector<AffineMap> maps;
  for (int64_t way = 0; way < parts.ways; ++way) {
    SmallVector<AffineExpr> at{b.getAffineConstantExpr(way)};
    if (byRank)
      at = {b.getAffineConstantExpr(way % parts.ofRank()), b.getAffineConstantExpr(way / parts.ofRank())};
    for (int64_t d = leading; d < type.getRank(); ++d)
      at.push_back(b.getAffineDimExpr(d - leading));
    maps.push_back(AffineMap::get(type.getRank() - leading, 0, at, b.getContext()));
  }
  return meanOf(b, withShape(type, type.getShape().drop_front(leading)), slices, maps);
}

/// Starts to send the slices of a flat gradient to where they are added.
static ExchangeStartOp sendSlices(ImplicitLocOpBuilder &b, Value flat, int64_t ranks, int64_t slice, int64_t lane) {
  RankedTensorType slices = withShape(typeOf(flat), {ranks, slice});
  return ExchangeStartOp::create(b, slices, Collective::all_to_all, flat, lane, Value());
}

/// The means of slices, which become the whole at `over`.
static ExchangeStartOp gatherSlices(ImplicitLocOpBuilder &b, Value slice, RankedTensorType whole, Value over,
                                    int64_t lane) {
  return ExchangeStartOp::create(b, whole, Collective::all_gather, slice, lane, over);
}

void GradientExchange::start(ImplicitLocOpBuilder &b, Value gradient, RankedTensorType type,
                             std::optional<RankedTensorType> share) {
  Gradient next{type, share, Value(), {}, {}, Value()};
  // The same for all: what nothing depends on has the gradient 0.
  if (SplatElementsAttr number; matchPattern(gradient, m_Constant(&number))) {
    RankedTensorType own = share.value_or(type);
    next.result = arith::ConstantOp::create(b, number.resizeSplat(own));
    gradients.push_back(next);
    return;
  }
  if (parts.ofRank() > 1) {
    next.result = sumOfStack(b, gradient, next);
    gradients.push_back(next);
    return;
  }
  if (gradients.size() - summed == (overlap ? kAhead : 1))
    sum(b);
  next.flat = flatten(b, gradient);
  next.slices = sendSlices(b, next.flat, parts.ranks, next.slice(parts.ranks), int64_t(gradients.size()) % kAhead);
  gradients.push_back(next);
  if (!overlap)
    sum(b), gather(b);
}

/// Of several ways of each rank: all slices first, way by way.
Value GradientExchange::sumOfStack(ImplicitLocOpBuilder &b, Value stack, const Gradient &gradient) {
  int64_t elements = gradient.type.getNumElements();
  Value ways = reshape(b, stack, {parts.ofRank(), elements});
  if (parts.ranks == 1)
    return reshape(b, meanOfRows(b, ways, parts, /*byRank=*/false), gradient.type.getShape());
  int64_t slice = gradient.slice(parts.ranks);
  auto exchanged = LoopOp::create(b, "ways", parts.ofRank(), ValueRange(), ways, false,
                                  [&](ImplicitLocOpBuilder &in, auto, ArrayRef<BlockArgument> slices) {
                                    auto start = sendSlices(in, slices[0], parts.ranks, slice, kInLoops);
                                    YieldOp::create(in, ValueRange(), finishExchange(in, start));
                                  });
  Value mean = meanOfRows(b, exchanged.getResult(0), parts, /*byRank=*/true);
  if (gradient.share)
    return reshape(b, mean, gradient.share->getShape());
  ExchangeStartOp means = gatherSlices(b, mean, withShape(gradient.type, {elements}), Value(), kAhead);
  return reshape(b, finishExchange(b, means), gradient.type.getShape());
}

void GradientExchange::sum(ImplicitLocOpBuilder &b) {
  if (summed - gathered == kBack)
    gather(b);
  Gradient &next = gradients[summed++];
  if (next.result)
    return;
  Value mean = meanOfRows(b, finishExchange(b, next.slices), parts, /*byRank=*/false);
  if (next.share)
    next.result = reshape(b, mean, next.share->getShape());
  else
    next.means = gatherSlices(b, mean, typeOf(next.flat), next.flat, kAhead + int64_t(summed) % kBack);
}

void GradientExchange::gather(ImplicitLocOpBuilder &b) {
  Gradient &next = gradients[gathered++];
  if (next.means)
    next.result = reshape(b, finishExchange(b, next.means), next.type.getShape());
}

SmallVector<Value> GradientExchange::finish(ImplicitLocOpBuilder &b) {
  if (parts.ofRank() == 1) {
    while (summed < gradients.size())
      sum(b);
    while (gathered < gradients.size())
      gather(b);
  }
  return llvm::map_to_vector(gradients, [](const Gradient &gradient) { return gradient.result; });
}

Value mlir::nanochat::meanOverWays(ImplicitLocOpBuilder &b, Value numbers, const Partition &parts) {
  Value own = reshape(b, numbers, {parts.ofRank()});
  Value all = own;
  if (parts.ranks > 1)
    all = finishExchange(b, ExchangeStartOp::create(b, withShape(typeOf(own), {parts.ways}), Collective::all_gather,
                                                    own, kAhead, Value()));
  return meanOfRows(b, all, parts, /*byRank=*/false);
}

Value mlir::nanochat::ofFirstRank(ImplicitLocOpBuilder &b, Value value) {
  return finishExchange(b,
                        ExchangeStartOp::create(b, value.getType(), Collective::broadcast, value, kInLoops, Value()));
}

Value mlir::nanochat::gatherShares(ImplicitLocOpBuilder &b, Value share, RankedTensorType whole) {
  return finishExchange(b, ExchangeStartOp::create(b, whole, Collective::all_gather, share, kFirstGather, Value()));
}

Value mlir::nanochat::sendPieces(ImplicitLocOpBuilder &b, Value byRank) {
  RankedTensorType type = typeOf(byRank);
  return finishExchange(b, ExchangeStartOp::create(b, type, Collective::all_to_all, byRank, kFirstGather, Value()));
}

Value mlir::nanochat::gatherTernary(ImplicitLocOpBuilder &b, Value share, RankedTensorType whole) {
  int64_t own = typeOf(share).getNumElements(), all = whole.getNumElements();
  if (!packsTernary(own) || !packsTernary(all))
    return gatherShares(b, share, whole);
  return unpackTernary(b, gatherShares(b, packTernary(b, share), packedTernary(whole)), whole);
}

/// Moves ops that do no more than unpack what comes to where that is read first; returns who reads it.
static Operation *sinkReaders(ExchangeDoneOp done, Block &block) {
  SmallVector<Operation *> unpacking;
  Value value = done.getZ();
  while (value.hasOneUse()) {
    Operation *user = *value.user_begin();
    if (user->getBlock() != &block || user->getNumResults() != 1 || isa<LoopOp>(user) || !isMemoryEffectFree(user))
      break;
    unpacking.push_back(user);
    value = user->getResult(0);
  }
  Operation *reader = block.getTerminator();
  for (Operation *user : value.getUsers())
    if (Operation *here = block.findAncestorOpInBlock(*user); here->isBeforeInBlock(reader))
      reader = here;
  for (Operation *op : unpacking)
    op->moveBefore(reader);
  return unpacking.empty() ? reader : unpacking.front();
}

/// Does the op contain gathers, which need the lanes?
static bool gathersInside(Operation &op) {
  return isa<LoopOp>(op) && op.walk([](ExchangeStartOp start) {
                                return isGatherLane(start.getLane()) ? WalkResult::interrupt() : WalkResult::advance();
                              }).wasInterrupted();
}

void mlir::nanochat::delayGathers(Block &block) {
  SmallVector<ExchangeDoneOp> gathers;
  for (auto done : block.getOps<ExchangeDoneOp>())
    if (ExchangeStartOp start = done.getStart(); start.getLane() == kFirstGather && !start.getAhead())
      gathers.push_back(done);
  SmallVector<Operation *> loops;
  for (Operation &op : block)
    if (gathersInside(op))
      loops.push_back(&op);
  for (auto [i, done] : llvm::enumerate(gathers)) {
    ExchangeStartOp start = done.getStart();
    start.setLane(kFirstGather + int64_t(i) % kGathers);
    Operation *last = sinkReaders(done, block);
    auto before = [&](Operation *other) {
      if (start->isBeforeInBlock(other) && other->isBeforeInBlock(last))
        last = other;
    };
    if (i + kGathers < gathers.size())
      before(gathers[i + kGathers].getStart());
    llvm::for_each(loops, before);
    done->moveBefore(last);
  }
}
