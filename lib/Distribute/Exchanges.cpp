#include "lib/Distribute/Exchanges.h"
#include "dialect/Linalg.h"
#include "dialect/ops/quantize/Blocks.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Lanes: of gradients that are on their way to be added, of sums that come back, of what is gathered from shares, and
/// of exchanges in loops, each of which ends before the next begins.
static constexpr int64_t kAhead = 3, kBack = 2, kGathers = 2, kInLoops = 7;
static_assert(kAhead + kBack + kGathers == kInLoops);

static Value finishExchange(ImplicitLocOpBuilder &b, ExchangeStartOp start) {
  return ExchangeDoneOp::create(b, start).getZ();
}

/// The mean of the elements at `maps` of `slices`, which is added up in a binary tree.
static Value meanOf(ImplicitLocOpBuilder &b, RankedTensorType type, Value slices, ArrayRef<AffineMap> maps) {
  SmallVector<Value> leaves(maps.size(), slices);
  return pointwise(b, type, leaves, maps, [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    Value sum = combineInTree(v, [&](Value x, Value y) { return add(s, x, y); });
    return mul(s, sum, constant(s, sum.getType(), 1.0 / double(maps.size())));
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
  return finishExchange(b, ExchangeStartOp::create(b, whole, Collective::all_gather, share, kAhead + kBack, Value()));
}

Value mlir::nanochat::gatherTernary(ImplicitLocOpBuilder &b, Value share, RankedTensorType whole) {
  constexpr int64_t kOfByte = 4;
  int64_t own = typeOf(share).getNumElements(), all = whole.getNumElements();
  if (own % kOfByte || all % kOfByte)
    return gatherShares(b, share, whole);
  auto bytes = [&](int64_t elements) { return RankedTensorType::get({elements / kOfByte}, b.getI8Type()); };
  auto number = [](ImplicitLocOpBuilder &s, int64_t value) {
    return arith::ConstantOp::create(s, s.getIntegerAttr(s.getI8Type(), value));
  };
  AffineExpr at = b.getAffineDimExpr(0);
  SmallVector<AffineMap> ofByte;
  for (int64_t i = 0; i < kOfByte; ++i)
    ofByte.push_back(AffineMap::get(1, 0, at * kOfByte + i));
  Value flat = flatten(b, share);
  Value packed =
      pointwise(b, bytes(own), SmallVector<Value>(kOfByte, flat), ofByte, [&](auto &s, ValueRange v) -> Value {
        Value byte;
        for (auto [i, code] : llvm::enumerate(v)) {
          Value bits = arith::AndIOp::create(s, arith::AddIOp::create(s, code, number(s, 1)), number(s, 3));
          bits = arith::ShLIOp::create(s, bits, number(s, 2 * int64_t(i)));
          byte = byte ? arith::OrIOp::create(s, byte, bits).getResult() : bits;
        }
        return byte;
      });
  Value come = gatherShares(b, packed, bytes(all));
  RankedTensorType codes = RankedTensorType::get({all / kOfByte, kOfByte}, b.getI8Type());
  Value unpacked = pointwise(b, codes, come, projection(b.getContext(), 2, {0}), [&](auto &s, ValueRange v) -> Value {
    Value digit = arith::IndexCastOp::create(s, s.getI8Type(), linalg::IndexOp::create(s, 1));
    Value bits = arith::ShRUIOp::create(s, v[0], arith::ShLIOp::create(s, digit, number(s, 1)));
    return arith::SubIOp::create(s, arith::AndIOp::create(s, bits, number(s, 3)), number(s, 1));
  });
  return reshape(b, unpacked, whole.getShape());
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

void mlir::nanochat::delayGathers(Block &block) {
  SmallVector<ExchangeDoneOp> gathers;
  for (auto done : block.getOps<ExchangeDoneOp>())
    if (done.getStart().getLane() == kAhead + kBack)
      gathers.push_back(done);
  for (auto [i, done] : llvm::enumerate(gathers)) {
    ExchangeStartOp start = done.getStart();
    start.setLane(kAhead + kBack + int64_t(i) % kGathers);
    Operation *reader = sinkReaders(done, block);
    Operation *next = i + kGathers < gathers.size() ? gathers[i + kGathers].getStart() : reader;
    done->moveBefore(next->isBeforeInBlock(reader) ? next : reader);
  }
}
