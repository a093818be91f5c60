// A loop over layers carries the codes of the layer at hand, and gathers those of the next one meanwhile:
//
//   loop "layers" slice(%w = %W) {              parts = all-to-all of what owners made; codes = gather of parts[0]
//     … %w …                          becomes   loop "layers" carry(%at_hand = codes) slice(%part = parts) {
//   }                                             %next = exchange_start all_gather ahead %part
//                                                 … unpack %at_hand …
//                                                 yield exchange_done %next
//
// The last iteration gathers the first layer again, which loops around carry on: the next repetition of the stack finds
// it there. Parts are of every layer, whoever owns it: all ranks send alike, and which layer it is changes no exchange.
#include "lib/Distribute/GatherAhead.h"
#include "dialect/Linalg.h"
#include "dialect/ops/kernel/Lanes.h"
#include "dialect/ops/quantize/Blocks.h"
#include "lib/Distribute/Exchanges.h"
#include "lib/Distribute/Ternary.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

bool mlir::nanochat::isReadByLayers(Value value) {
  return !value.use_empty() && llvm::all_of(value.getUses(), [](OpOperand &use) {
    auto loop = dyn_cast<LoopOp>(use.getOwner());
    return loop && use.getOperandNumber() >= loop.getNumCarries() && !loop.getLimit();
  });
}

Value mlir::nanochat::standFor(ImplicitLocOpBuilder &b, RankedTensorType whole) {
  return tensor::EmptyOp::create(b, whole.getShape(), whole.getElementType());
}

//===--- Parts of layers ---------------------------------------------------------------------===//

/// (ranks, own layers, elements of a part): which elements of the own layers go to which rank. Layers whose elements do
/// not divide are filled up, with what nobody reads.
static Value cutLayers(ImplicitLocOpBuilder &b, Value share, int64_t ranks) {
  RankedTensorType type = typeOf(share);
  int64_t own = type.getDimSize(0), elements = type.getNumElements() / own, part = llvm::divideCeil(elements, ranks);
  RankedTensorType cut = withShape(type, {ranks, own, part});
  if (elements % ranks == 0)
    return pointwise(b, cut, reshape(b, share, {own, ranks, part}), projection(b.getContext(), 3, {1, 0, 2}),
                     [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; });
  Value flat = reshape(b, share, {own, elements});
  return pointwise(b, cut, ValueRange(), ArrayRef<AffineMap>(), [&](ImplicitLocOpBuilder &s, ValueRange) -> Value {
    auto number = [&](int64_t n) { return arith::ConstantIndexOp::create(s, n).getResult(); };
    Value first = arith::MulIOp::create(s, linalg::IndexOp::create(s, 0), number(part));
    Value at = arith::AddIOp::create(s, first, linalg::IndexOp::create(s, 2));
    return tensor::ExtractOp::create(
        s, flat, ValueRange{linalg::IndexOp::create(s, 1), arith::MinUIOp::create(s, at, number(elements - 1))});
  });
}

/// (layers, elements of a part): the part that this rank keeps of each.
static Value spreadLayers(ImplicitLocOpBuilder &b, Value share, int64_t layers, int64_t ranks) {
  Value come = sendPieces(b, cutLayers(b, share, ranks));
  int64_t all = typeOf(come).getDimSize(0) * typeOf(come).getDimSize(1), part = typeOf(come).getDimSize(2);
  if (all == layers)
    return reshape(b, come, {layers, part});
  AffineExpr layer = b.getAffineDimExpr(0), element = b.getAffineDimExpr(1);
  return pointwise(b, withShape(typeOf(come), {layers, part}), flatten(b, come),
                   AffineMap::get(2, 0, layer * part + element),
                   [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; });
}

//===--- Loops -------------------------------------------------------------------------------===//

namespace {
/// What one loop gathers of one stack.
struct Gather {
  const ApartLayers *layers;
  BlockArgument slice;   // of the whole; then, of parts
  RankedTensorType come; // what all parts are together
  Value atHand;          // of this iteration
};

class LayerLoops {
public:
  LayerLoops(Block &block, ArrayRef<ApartLayers> layers, int64_t ranks, bool overlap)
      : layers(layers), ranks(ranks), overlap(overlap), rewriter(block.getParentOp()->getContext()) {}

  void run() {
    for (const ApartLayers &of : layers) {
      ImplicitLocOpBuilder b(of.share.getLoc(), rewriter);
      b.setInsertionPointAfterValue(of.whole);
      parts[&of] = spreadLayers(b, of.share, typeOf(of.whole).getDimSize(0), ranks);
    }
    for (const ApartLayers &of : layers) {
      while (!of.whole.use_empty())
        gatherIn(cast<LoopOp>(*of.whole.user_begin()));
      of.whole.getDefiningOp()->erase();
    }
  }

private:
  void gatherIn(LoopOp loop);
  Value gatherFirst(ImplicitLocOpBuilder &b, const Gather &gather, LoopOp loop);
  LoopOp carry(LoopOp loop, MutableArrayRef<Gather> gathers);
  LoopOp carryThroughNest(LoopOp loop, MutableArrayRef<Gather> gathers);
  void unpack(Gather &gather);
  void gatherNext(LoopOp loop, ArrayRef<Gather> gathers);

  ArrayRef<ApartLayers> layers;
  int64_t ranks;
  bool overlap;
  IRRewriter rewriter;
  DenseMap<const ApartLayers *, Value> parts;
};
} // namespace

/// Makes these the last values that iterations of `loop` hand on.
static void handOn(LoopOp loop, ValueRange values) {
  for (auto [i, value] : llvm::enumerate(values))
    loop.getYield()->setOperand(loop.getNumCarries() - values.size() + i, value);
}

/// The layer that `loop` begins with.
Value LayerLoops::gatherFirst(ImplicitLocOpBuilder &b, const Gather &gather, LoopOp loop) {
  Value all = parts.at(gather.layers);
  AffineExpr first = b.getAffineConstantExpr(loop.getFirst() + (loop.getReverse() ? int64_t(loop.getCount()) - 1 : 0));
  Value part = pointwise(b, LoopOp::sliceOf(all.getType()), all,
                         AffineMap::get(1, 0, {first, b.getAffineDimExpr(0)}, b.getContext()),
                         [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; });
  return gatherShares(b, part, gather.come);
}

/// Has `loop` start from what is at hand and hand it on; returns the loop that replaces it.
LoopOp LayerLoops::carry(LoopOp loop, MutableArrayRef<Gather> gathers) {
  unsigned carries = loop.getNumCarries();
  SmallVector<Value> inits(loop.getInits()), handed;
  Block &body = loop.getBody().front();
  for (auto [i, gather] : llvm::enumerate(gathers)) {
    inits.push_back(gather.atHand);
    gather.atHand = body.insertArgument(carries + i, gather.come, gather.atHand.getLoc());
    handed.push_back(gather.atHand);
  }
  loop.getYield().getValuesMutable().append(handed);
  LoopOp next = loop.rebuild(rewriter, inits, loop.getSlices());
  SmallVector<Value> results(next.getResults());
  results.erase(results.begin() + carries, results.begin() + carries + gathers.size());
  rewriter.replaceOp(loop, results);
  return next;
}

/// Loops around repeat `loop`, and hand on what it leaves; micro-batches are all alike, and begin anew.
LoopOp LayerLoops::carryThroughNest(LoopOp loop, MutableArrayRef<Gather> gathers) {
  SmallVector<LoopOp> nest{loop};
  while (auto around = dyn_cast<LoopOp>(nest.back()->getParentOp())) {
    if (around.getLimit() || around->hasAttr(kMicroBatchesAttr))
      break;
    nest.push_back(around);
  }
  ImplicitLocOpBuilder b(loop.getLoc(), nest.back());
  for (Gather &gather : gathers)
    gather.atHand = gatherFirst(b, gather, loop);
  LoopOp around;
  for (LoopOp inner : llvm::reverse(nest)) {
    inner = carry(inner, gathers);
    if (around)
      handOn(around, inner.getCarryResults().take_back(gathers.size()));
    around = inner;
  }
  return around;
}

/// Before what reads the slice of `gather`, which becomes one of parts.
void LayerLoops::unpack(Gather &gather) {
  ImplicitLocOpBuilder b(gather.slice.getLoc(), firstReader(gather.slice, *gather.slice.getOwner()));
  RankedTensorType type = typeOf(gather.slice);
  auto part = cast<RankedTensorType>(LoopOp::sliceOf(parts.at(gather.layers).getType()));
  Value come = gather.atHand;
  ExchangeStartOp start;
  if (!come) {
    start = ExchangeStartOp::create(b, gather.come, Collective::all_gather, gather.slice, kGatherLane, Value());
    come = ExchangeDoneOp::create(b, start).getZ();
  }
  Value codes = gather.layers->isTernary ? unpackTernary(b, come, type) : reshape(b, come, type.getShape());
  gather.slice.replaceUsesWithIf(codes,
                                 [](OpOperand &use) { return !isa<ExchangeStartOp, ExchangeDoneOp>(use.getOwner()); });
  gather.slice.setType(part);
}

/// In `loop`, whose exchanges share lanes: each ends where the next but one begins, about where its share of the bytes
/// is of the body's ops.
void LayerLoops::gatherNext(LoopOp loop, ArrayRef<Gather> gathers) {
  SmallVector<Operation *> ops;
  int64_t bytes = 0, gone = 0;
  for (Operation &op : loop.getBody().front())
    ops.push_back(&op);
  for (const Gather &gather : gathers)
    bytes += denseBytes(gather.come);
  SmallVector<ExchangeStartOp> starts;
  SmallVector<Value> next;
  ImplicitLocOpBuilder b(loop.getLoc(), ops.front());
  auto start = [&] {
    const Gather &gather = gathers[starts.size()];
    starts.push_back(ExchangeStartOp::create(b, gather.come, Collective::all_gather, gather.slice,
                                             kGatherLane + int64_t(starts.size()) % kGathers, Value(),
                                             /*ahead=*/true));
  };
  while (starts.size() < std::min<size_t>(kGathers, gathers.size()))
    start();
  for (const Gather &gather : gathers) {
    gone += denseBytes(gather.come);
    bool isLast = starts.size() == gathers.size();
    b.setInsertionPoint(isLast ? ops.back() : ops[(ops.size() - 1) * gone / bytes]);
    next.push_back(ExchangeDoneOp::create(b, starts[next.size()]).getZ());
    if (!isLast)
      start();
  }
  handOn(loop, next);
}

/// Of all stacks that `loop` reads slices of.
void LayerLoops::gatherIn(LoopOp loop) {
  SmallVector<Gather> gathers;
  for (const ApartLayers &of : layers)
    for (auto [i, slice] : llvm::enumerate(loop.getSliceArgs()))
      if (loop.getSlices()[i] == of.whole) {
        RankedTensorType type = typeOf(slice);
        gathers.push_back(
            {&of, slice, of.isTernary ? packedTernary(type) : withShape(type, {type.getNumElements()}), Value()});
      }
  if (overlap)
    loop = carryThroughNest(loop, gathers);
  for (Gather &gather : gathers) {
    unpack(gather);
    loop->setOperand(gather.slice.getArgNumber(), parts.at(gather.layers));
  }
  if (overlap)
    gatherNext(loop, gathers);
}

void mlir::nanochat::gatherAhead(Block &block, ArrayRef<ApartLayers> layers, int64_t ranks, bool overlap) {
  LayerLoops(block, layers, ranks, overlap).run();
}
