#include "dialect/Linalg.h"
#include "lib/Distribute/Exchanges.h"
#include "lib/Distribute/Passes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_DISTRIBUTEPASS
#include "lib/Distribute/Passes.h.inc"

namespace {
/// One gradients entry.
class Distributor {
public:
  Distributor(func::FuncOp entry, const Shares &shares, bool overlap)
      : entry(entry), end(entry.getBody().front().getTerminator()), shares(shares), overlap(overlap) {}

  LogicalResult run() {
    BatchResults results = resultsOfBatch(entry);
    if (failed(shareBases()))
      return failure();
    SmallVector<RankedTensorType> types;
    for (Value value : end->getOperands())
      types.push_back(typeOf(value));
    runWays(entry, results, shares);
    exchange(results, types);
    entry.setFunctionType(FunctionType::get(entry.getContext(), entry.getBody().getArgumentTypes(), end->getOperandTypes()));
    return success();
  }

private:
  /// Takes bases, states that the gradients make anew now and then, from rank 0.
  LogicalResult shareBases();
  void exchange(const BatchResults &results, ArrayRef<RankedTensorType> types);

  func::FuncOp entry;
  Operation *end;
  Shares shares;
  bool overlap;
};
} // namespace

LogicalResult Distributor::shareBases() {
  SmallVector<LoopOp> refreshes;
  entry.walk([&](LoopOp loop) {
    if (loop.getLimit())
      refreshes.push_back(loop);
  });
  if (!refreshes.empty() && shares.ofRank() > 1) {
    InFlightDiagnostic diag = refreshes[0].emitOpError("takes a basis of a gradient, of which each rank has ")
                              << shares.ofRank();
    diag.attachNote() << "rules that project gradients (galore, gum) need --ranks=" << shares.ways << ", one for each of --ways";
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

/// Are `value` and what is made of it known before `op`?
static bool isKnownBefore(Value value, Operation *op) {
  Operation *made = value.getDefiningOp();
  return !made || made->isBeforeInBlock(op);
}

void Distributor::exchange(const BatchResults &results, ArrayRef<RankedTensorType> types) {
  // In the order in which they are known, which is that in which they are sent.
  SmallVector<unsigned> order(results.gradients);
  llvm::stable_sort(order, [&](unsigned x, unsigned y) {
    Operation *made = end->getOperand(y).getDefiningOp();
    return made && isKnownBefore(end->getOperand(x), made);
  });
  ImplicitLocOpBuilder b(entry.getLoc(), end);
  // What follows from gradients follows from their means.
  Operation *last = nullptr;
  for (unsigned number : order)
    if (Operation *made = end->getOperand(number).getDefiningOp(); made && (!last || last->isBeforeInBlock(made)))
      last = made;
  Operation *behind = last ? last->getNextNode() : &entry.getBody().front().front();
  GradientExchange exchange(shares, overlap);
  SmallVector<Value> own;
  for (unsigned number : order) {
    Value gradient = end->getOperand(number);
    own.push_back(gradient);
    Operation *made = gradient.getDefiningOp();
    b.setLoc(gradient.getLoc());
    b.setInsertionPoint(overlap && made ? made->getNextNode() : behind);
    exchange.start(b, gradient, types[number]);
  }
  b.setInsertionPoint(behind);
  SmallVector<Value> means = exchange.finish(b);
  Operation *first = means.empty() ? end : behind;
  for (auto [gradient, mean] : llvm::zip(own, means))
    gradient.replaceUsesWithIf(mean, [&](OpOperand &use) {
      Operation *user = use.getOwner();
      return user == end || !user->isBeforeInBlock(first);
    });
  b.setInsertionPoint(end);
  for (unsigned number : results.scalars)
    end->setOperand(number, meanOverWays(b, end->getOperand(number), shares));
}

namespace {
struct DistributePass : impl::DistributePassBase<DistributePass> {
  using DistributePassBase::DistributePassBase;

  void runOnOperation() override {
    Shares shares = Shares::of(getProgram(getOperation()));
    if (shares.ways == 1)
      return;
    for (func::FuncOp entry : getEntries(getOperation()))
      if (getEntry(entry).getKind() == EntryKind::gradients && failed(Distributor(entry, shares, overlap).run()))
        return signalPassFailure();
  }
};
} // namespace
} // namespace mlir::nanochat
