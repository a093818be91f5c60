#include "lib/Distribute/Exchanges.h"
#include "dialect/Linalg.h"
#include "dialect/ops/kernel/Lanes.h"
#include "dialect/ops/quantize/Blocks.h"
#include "lib/Distribute/Ternary.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::nanochat;

static Value finishExchange(ImplicitLocOpBuilder &b, ExchangeStartOp start) {
  return ExchangeDoneOp::create(b, start).getZ();
}

/// Numbers added up in a binary tree of neighbours.
static Value addNeighbours(ImplicitLocOpBuilder &s, ValueRange values) {
  return combineInTree(values, [&](Value x, Value y) { return add(s, x, y); });
}

/// Where slice `way` is, by its dimensions and those from `first` on: in (ways, …), or in (`ofRank`, ranks, …) where
/// each rank has several.
static AffineMap mapOfWay(AffineExpr way, int64_t dims, int64_t first, int64_t ofRank) {
  SmallVector<AffineExpr> at{way};
  if (ofRank)
    at = {way % ofRank, way.floorDiv(ofRank)};
  for (int64_t d = first; d < dims; ++d)
    at.push_back(getAffineDimExpr(unsigned(d), way.getContext()));
  return AffineMap::get(unsigned(dims), 0, at, way.getContext());
}

/// The mean of rows: of (ways of a rank, ranks, …), or of (ways, …) where not `byRank`. Added up in one tree, whose
/// lowest levels kernels of their own add where there are many.
static Value meanOfRows(ImplicitLocOpBuilder &b, Value slices, const Partition &parts, bool byRank) {
  constexpr int64_t kOfKernel = 16; // a power of two, so that what it adds is a part of the tree
  int64_t ways = parts.ways;
  int64_t ofRank = byRank ? parts.ofRank() : 0;
  RankedTensorType type = withShape(typeOf(slices), typeOf(slices).getShape().drop_front(byRank ? 2 : 1));
  while (ways > kOfKernel) {
    int64_t whole = ways / kOfKernel, dims = type.getRank() + 1;
    SmallVector<int64_t> shape{whole};
    llvm::append_range(shape, type.getShape());
    SmallVector<AffineMap> maps;
    for (int64_t i = 0; i < kOfKernel; ++i)
      maps.push_back(mapOfWay(b.getAffineDimExpr(0) * kOfKernel + i, dims, 1, ofRank));
    Value sums = pointwise(b, withShape(type, shape), SmallVector<Value>(kOfKernel, slices), maps, addNeighbours);
    if (int64_t more = ways % kOfKernel) {
      maps.clear();
      for (int64_t i = 0; i < more; ++i)
        maps.push_back(mapOfWay(b.getAffineConstantExpr(whole * kOfKernel + i), type.getRank(), 0, ofRank));
      Value last = pointwise(b, type, SmallVector<Value>(size_t(more), slices), maps, addNeighbours);
      shape[0] = 1;
      SmallVector<Value> all{sums, reshape(b, last, shape)};
      shape[0] = whole + 1;
      sums = JoinOp::create(b, withShape(type, shape), all, Value());
    }
    slices = sums, ways = typeOf(sums).getDimSize(0), ofRank = 0;
  }
  SmallVector<AffineMap> maps;
  for (int64_t way = 0; way < ways; ++way)
    maps.push_back(mapOfWay(b.getAffineConstantExpr(way), type.getRank(), 0, ofRank));
  return pointwise(b, type, SmallVector<Value>(size_t(ways), slices), maps, [&](auto &s, ValueRange v) -> Value {
    Value sum = addNeighbours(s, v);
    return mul(s, sum, constant(s, sum.getType(), 1.0 / double(parts.ways)));
  });
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
  next.slices =
      sendSlices(b, next.flat, parts.ranks, next.slice(parts.ranks), kAheadLane + int64_t(gradients.size()) % kAhead);
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
                                    auto start = sendSlices(in, slices[0], parts.ranks, slice, kInLoopLane);
                                    YieldOp::create(in, ValueRange(), finishExchange(in, start));
                                  });
  Value mean = meanOfRows(b, exchanged.getResult(0), parts, /*byRank=*/true);
  if (gradient.share)
    return reshape(b, mean, gradient.share->getShape());
  ExchangeStartOp means = gatherSlices(b, mean, withShape(gradient.type, {elements}), Value(), kAloneLane);
  return reshape(b, finishExchange(b, means), gradient.type.getShape());
}

void GradientExchange::sumAll(ImplicitLocOpBuilder &b) {
  while (parts.ofRank() == 1 && summed < gradients.size())
    sum(b);
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
    next.means = gatherSlices(b, mean, typeOf(next.flat), next.flat, kBackLane + int64_t(summed - 1) % kBack);
}

void GradientExchange::gather(ImplicitLocOpBuilder &b) {
  Gradient &next = gradients[gathered++];
  if (next.means)
    next.result = reshape(b, finishExchange(b, next.means), next.type.getShape());
}

SmallVector<Value> GradientExchange::finish(ImplicitLocOpBuilder &b) {
  sumAll(b);
  while (gathered < summed)
    gather(b);
  return llvm::map_to_vector(gradients, [](const Gradient &gradient) { return gradient.result; });
}

void LayerExchange::start(ImplicitLocOpBuilder &b) {
  for (auto [i, layer] : llvm::enumerate(layers)) {
    Value flat = flatten(b, layer);
    int64_t slice = llvm::divideCeil(typeOf(flat).getNumElements(), parts.ranks);
    slices.push_back(sendSlices(b, flat, parts.ranks, slice, kLayerLane + int64_t(i)));
  }
}

void LayerExchange::sum(ImplicitLocOpBuilder &b, size_t i) {
  Value mean = meanOfRows(b, finishExchange(b, slices[i]), parts, /*byRank=*/false);
  means.push_back(gatherSlices(b, mean, typeOf(slices[i].getX()), Value(), kLayerLane + int64_t(i)));
}

SmallVector<Value> LayerExchange::finish(ImplicitLocOpBuilder &b) {
  SmallVector<Value> results;
  for (auto [layer, mean] : llvm::zip(layers, means))
    results.push_back(reshape(b, finishExchange(b, mean), typeOf(layer).getShape()));
  return results;
}

Value mlir::nanochat::meanOverWays(ImplicitLocOpBuilder &b, Value numbers, const Partition &parts) {
  Value own = reshape(b, numbers, {parts.ofRank()});
  Value all = own;
  if (parts.ranks > 1)
    all = finishExchange(b, ExchangeStartOp::create(b, withShape(typeOf(own), {parts.ways}), Collective::all_gather,
                                                    own, kAloneLane, Value()));
  return meanOfRows(b, all, parts, /*byRank=*/false);
}

Value mlir::nanochat::ofFirstRank(ImplicitLocOpBuilder &b, Value value) {
  return finishExchange(
      b, ExchangeStartOp::create(b, value.getType(), Collective::broadcast, value, kInLoopLane, Value()));
}

Value mlir::nanochat::gatherShares(ImplicitLocOpBuilder &b, Value share, RankedTensorType whole) {
  return finishExchange(b, ExchangeStartOp::create(b, whole, Collective::all_gather, share, kGatherLane, Value()));
}

Value mlir::nanochat::sendPieces(ImplicitLocOpBuilder &b, Value byRank) {
  RankedTensorType type = typeOf(byRank);
  return finishExchange(b, ExchangeStartOp::create(b, type, Collective::all_to_all, byRank, kGatherLane, Value()));
}

Value mlir::nanochat::gatherTernary(ImplicitLocOpBuilder &b, Value share, RankedTensorType whole) {
  int64_t own = typeOf(share).getNumElements(), all = whole.getNumElements();
  if (!packsTernary(own) || !packsTernary(all))
    return gatherShares(b, share, whole);
  return unpackTernary(b, gatherShares(b, packTernary(b, share), packedTernary(whole)), whole);
}

Operation *mlir::nanochat::firstReader(Value value, Block &block) {
  Operation *reader = block.getTerminator();
  for (Operation *user : value.getUsers())
    if (Operation *here = block.findAncestorOpInBlock(*user); here->isBeforeInBlock(reader))
      reader = here;
  return reader;
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
  Operation *reader = firstReader(value, block);
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
    if (ExchangeStartOp start = done.getStart(); start.getLane() == kGatherLane && !start.getAhead())
      gathers.push_back(done);
  SmallVector<Operation *> loops;
  for (Operation &op : block)
    if (gathersInside(op))
      loops.push_back(&op);
  for (auto [i, done] : llvm::enumerate(gathers)) {
    ExchangeStartOp start = done.getStart();
    start.setLane(kGatherLane + int64_t(i) % kGathers);
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
