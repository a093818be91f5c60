#include "dialect/Linalg.h"
#include "dialect/interfaces/Cost.h"
#include "lib/Distribute/ExchangeInLoops.h"
#include "lib/Distribute/Exchanges.h"
#include "lib/Distribute/Groups.h"
#include "lib/Distribute/Passes.h"
#include "lib/Distribute/ShareOut.h"
#include "lib/Distribute/TableGradients.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_DISTRIBUTEPASS
#include "lib/Distribute/Passes.h.inc"

/// Which gradients a norm is of, by position: two parameters may have one value as gradient.
static SmallVector<unsigned> gradientsOf(GradNormOp norm, Operation *end, ArrayRef<unsigned> gradients) {
  SmallVector<unsigned> found;
  for (auto [i, value] : llvm::enumerate(norm.getGrads())) {
    if (i < gradients.size() && end->getOperand(gradients[i]) == value) {
      found.push_back(gradients[i]);
      continue;
    }
    const auto *other = llvm::find_if(gradients, [&](unsigned number) { return end->getOperand(number) == value; });
    found.push_back(other == gradients.end() ? end->getNumOperands() : *other);
  }
  return found;
}

namespace {
/// One gradients entry.
class Distributor {
public:
  /// `isShared`: whether ranks own shares of what is divisible.
  Distributor(func::FuncOp entry, const Partition &parts, const DivisibleParams &divisible, bool isShared, bool overlap)
      : entry(entry), end(entry.getBody().front().getTerminator()), parts(parts), divisible(divisible),
        isShared(isShared), overlap(overlap) {}

  LogicalResult run() {
    BatchResults results = resultsOfBatch(entry);
    if (failed(shareBases()))
      return failure();
    SmallVector<std::pair<GradNormOp, SmallVector<unsigned>>> norms;
    for (auto norm : entry.getOps<GradNormOp>())
      norms.push_back({norm, gradientsOf(norm, end, results.gradients)});
    TableGradients tables(entry, results, parts);
    JoinedGradients joined(end, results.gradients);
    SmallVector<RankedTensorType> types;
    for (Value value : end->getOperands())
      types.push_back(typeOf(value));
    runWays(entry, results, parts);
    exchange(results, types, exchangeLayers(results.gradients));
    joined.join();
    ImplicitLocOpBuilder b(entry.getLoc(), norms.empty() ? end : norms[0].first.getOperation());
    tables.putBack(b);
    for (auto &[norm, gradients] : norms)
      sumNorms(norm, gradients);
    entry.setFunctionType(
        FunctionType::get(entry.getContext(), entry.getBody().getArgumentTypes(), end->getOperandTypes()));
    return success();
  }

private:
  /// Takes bases, states that the gradients make anew now and then, from rank 0.
  LogicalResult shareBases();
  /// Of these results, those that loops exchange.
  DenseSet<unsigned> exchangeLayers(ArrayRef<unsigned> gradients);
  void exchange(const BatchResults &results, ArrayRef<RankedTensorType> types, const DenseSet<unsigned> &done);
  const Divisible *find(unsigned result) const;
  void sumNorms(GradNormOp norm, ArrayRef<unsigned> gradients);
  Value normsOfRows(ImplicitLocOpBuilder &b, Value gradient, const Divisible &param);

  func::FuncOp entry;
  Operation *end;
  const Partition &parts;
  const DivisibleParams &divisible;
  bool isShared, overlap;
};
} // namespace

LogicalResult Distributor::shareBases() {
  SmallVector<LoopOp> refreshes;
  entry.walk([&](LoopOp loop) {
    if (loop.getLimit())
      refreshes.push_back(loop);
  });
  if (!refreshes.empty() && parts.ofRank() > 1) {
    InFlightDiagnostic diag = refreshes[0].emitOpError("takes a basis of a gradient, of which each rank has ")
                              << parts.ofRank();
    diag.attachNote() << "rules that project gradients (galore, gum) need --ranks=" << parts.ways
                      << ", one for each of --ways";
    return diag;
  }
  for (LoopOp refresh : refreshes) {
    YieldOp yield = refresh.getYield();
    ImplicitLocOpBuilder b(refresh.getLoc(), yield);
    for (OpOperand &value : yield->getOpOperands())
      value.set(ofFirstRank(b, value.get()));
  }
  return success();
}

/// Is `value` known before `op` is done?
static bool isKnownBefore(Value value, Operation *op) {
  Operation *made = value.getDefiningOp();
  return !made || made->isBeforeInBlock(op);
}

DenseSet<unsigned> Distributor::exchangeLayers(ArrayRef<unsigned> gradients) {
  // An owner gets all of its layers, once they are known.
  bool isInLoops = overlap && !isShared && parts.ranks > 1 && parts.ofRank() == 1;
  return isInLoops ? exchangeInLoops(entry, gradients, parts) : DenseSet<unsigned>();
}

/// The first op behind `from`, before `to`, that takes long, and in front of which others have taken a while.
static Operation *longWorkBetween(Operation *from, Operation *to) {
  constexpr double kLong = 0.05, kWhile = 0.02; // of the work of the block
  double all = 0, passed = 0;
  for (Operation &op : *from->getBlock())
    all += double(getFlops(&op));
  for (Operation *op = from; op && op != to; op = op->getNextNode()) {
    double flops = double(getFlops(op));
    if (passed >= kWhile * all && flops >= kLong * all)
      return op;
    passed += flops;
  }
  return nullptr;
}

void Distributor::exchange(const BatchResults &results, ArrayRef<RankedTensorType> types,
                           const DenseSet<unsigned> &done) {
  // In the order in which they are known, which is that in which they are sent.
  SmallVector<unsigned> order(results.gradients);
  llvm::erase_if(order, [&](unsigned number) { return done.contains(number); });
  llvm::stable_sort(order, [&](unsigned x, unsigned y) {
    Operation *made = end->getOperand(y).getDefiningOp();
    return made && isKnownBefore(end->getOperand(x), made);
  });
  ImplicitLocOpBuilder b(entry.getLoc(), end);
  Operation *last = nullptr;
  for (unsigned number : order)
    if (Operation *made = end->getOperand(number).getDefiningOp(); made && (!last || last->isBeforeInBlock(made)))
      last = made;
  Operation *behind = last ? last->getNextNode() : &entry.getBody().front().front();
  GradientExchange exchange(parts, overlap);
  Operation *at = overlap ? &entry.getBody().front().front() : behind; // what exchanges begin in front of
  // What has come by then is back before the end.
  auto sumBetween = [&](Operation *from, Operation *to) {
    if (Operation *work = longWorkBetween(from, to)) {
      b.setInsertionPoint(work);
      exchange.sumAll(b);
    }
  };
  for (unsigned number : order) {
    Value gradient = end->getOperand(number);
    Operation *made = gradient.getDefiningOp();
    b.setLoc(gradient.getLoc());
    if (made && at->isBeforeInBlock(made->getNextNode())) {
      sumBetween(at, made->getNextNode());
      at = made->getNextNode();
    }
    b.setInsertionPoint(at);
    const Divisible *param = isShared ? find(number) : nullptr;
    exchange.start(b, gradient, types[number], param ? std::optional(param->share(parts.ranks)) : std::nullopt);
    if (param)
      entry.setResultAttr(number, BindAttr::name, getResultBinding(entry, number).sharedOut(param->rows()));
  }
  if (at->isBeforeInBlock(behind))
    sumBetween(at, behind);
  b.setInsertionPoint(behind);
  for (auto [number, mean] : llvm::zip(order, exchange.finish(b)))
    end->setOperand(number, mean);
  b.setInsertionPoint(end);
  for (unsigned number : results.scalars)
    end->setOperand(number, meanOverWays(b, end->getOperand(number), parts));
}

const Divisible *Distributor::find(unsigned result) const {
  const auto *found = divisible.find(getResultBinding(entry, result).getTensor());
  return found == divisible.end() ? nullptr : &found->second;
}

/// The norm of all gradients is that of their means, and made of the norms of their rows, which add up in one order,
/// whoever has them.
void Distributor::sumNorms(GradNormOp norm, ArrayRef<unsigned> gradients) {
  ImplicitLocOpBuilder b(norm.getLoc(), norm);
  SmallVector<Value> norms;
  for (auto [number, own] : llvm::zip(gradients, norm.getGrads())) {
    Value mean = number < end->getNumOperands() ? end->getOperand(number) : own;
    bool isKnown = matchPattern(mean, m_Constant()); // what nothing depends on has the norm 0, whoever has it
    const Divisible *param = number < end->getNumOperands() && !isKnown ? find(number) : nullptr;
    norms.push_back(param ? normsOfRows(b, mean, *param) : mean);
  }
  norm.getGradsMutable().assign(norms);
}

Value Distributor::normsOfRows(ImplicitLocOpBuilder &b, Value gradient, const Divisible &param) {
  RankedTensorType type = typeOf(gradient);
  int64_t dims = type.getRank() - 1;
  auto kept = llvm::to_vector(llvm::seq<unsigned>(0, dims));
  Value sums = reduce(b, withShape(type, type.getShape().take_front(dims)), dims + 1, kept, 0.0, {gradient},
                      {b.getMultiDimIdentityMap(dims + 1)},
                      [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[1], mul(s, v[0], v[0])); });
  Value norms = math::SqrtOp::create(b, sums);
  if (!isShared)
    return norms;
  return gatherShares(b, norms, withShape(type, param.whole.getShape().take_front(dims)));
}

namespace {
struct DistributePass : impl::DistributePassBase<DistributePass> {
  using DistributePassBase::DistributePassBase;

  LogicalResult check(const Partition &parts) {
    Location loc = getOperation().getLoc();
    if (parts.ranks < 1 || parts.ways < 1 || parts.ways % parts.ranks)
      return emitError(loc) << "the program's size 'ways', " << parts.ways << ", is no multiple of 'ranks', "
                            << parts.ranks << (parts.tensor > 1 ? ", of groups" : "");
    if (this->shard != "none" && this->shard != "states" && this->shard != "weights")
      return emitError(loc) << "shard=" << this->shard << " is not known; it is none, states or weights";
    return success();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Partition parts = Partition::of(getProgram(module));
    if (failed(check(parts)))
      return signalPassFailure();
    for (func::FuncOp entry : getEntries(module))
      numberRanks(entry);
    if (parts.ways == 1)
      return;
    DivisibleParams divisible = findDivisible(module);
    bool isShared = this->shard != "none" && parts.ranks > 1;
    for (func::FuncOp entry : getEntries(module))
      if (getEntry(entry).getKind() == EntryKind::gradients &&
          failed(Distributor(entry, parts, divisible, isShared, overlap).run()))
        return signalPassFailure();
    groupExchanges(module, parts);
    if (isShared)
      shareOut(module, divisible, parts.ranks, /*byLayer=*/this->shard == "weights", overlap);
    for (func::FuncOp entry : getEntries(module))
      if (overlap) {
        delayGathers(entry.getBody().front());
        entry.walk([](LoopOp loop) { delayGathers(loop.getBody().front()); });
      }
  }
};
} // namespace
} // namespace mlir::nanochat
