#include "dialect/interfaces/KeptRows.h"
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "dialect/interfaces/TokenLoops.h"

using namespace mlir;
using namespace mlir::nanochat;

std::optional<unsigned> KeptRows::dimOf(Value value) const {
  auto found = dims.find(value);
  return found == dims.end() ? std::nullopt : std::optional(found->second);
}

bool KeptRows::mark(Value value, std::optional<unsigned> dim) { return dim && dims.try_emplace(value, *dim).second; }

void KeptRows::replace(Value from, Value to) {
  if (auto dim = dimOf(from)) {
    dims.erase(from);
    dims.try_emplace(to, *dim);
  }
}

void KeptRows::follow(Block &block, ValueRange perToken) {
  for (Value value : perToken)
    mark(value, 0);
  while (followOnce(block)) {
  }
}

/// What is known of values of `block` goes to those of the same ops, around loops once.
bool KeptRows::followOnce(Block &block) {
  bool grew = false;
  for (Operation &op : block) {
    if (auto loop = dyn_cast<LoopOp>(op)) {
      for (auto [arg, init] : llvm::zip(loop.getCarryArgs(), loop.getInits()))
        grew |= mark(arg, dimOf(init));
      for (auto [arg, stack] : llvm::zip(loop.getSliceArgs(), loop.getSlices()))
        if (auto dim = dimOf(stack); dim.value_or(0) > 0)
          grew |= mark(arg, *dim - 1);
      grew |= followOnce(loop.getBody().front());
      for (auto [arg, next] : llvm::zip(loop.getCarryArgs(), loop.getYield().getValues()))
        grew |= mark(arg, dimOf(next));
      for (auto [result, arg] : llvm::zip(loop.getCarryResults(), loop.getCarryArgs()))
        grew |= mark(result, dimOf(arg));
      for (auto [result, element] : llvm::zip(loop.getStackResults(), loop.getYield().getStacks()))
        if (auto dim = dimOf(element))
          grew |= mark(result, *dim + 1);
      continue;
    }
    TokenLoops loops(&op);
    for (auto [i, operand] : llvm::enumerate(op.getOperands()))
      if (auto dim = dimOf(operand))
        loops.add(i, *dim);
    for (OpResult result : op.getResults())
      if (auto dim = dimOf(result))
        loops.add(op.getNumOperands() + result.getResultNumber(), *dim);
    for (auto [i, operand] : llvm::enumerate(op.getOperands()))
      grew |= mark(operand, loops.dimOf(i));
    for (OpResult result : op.getResults())
      grew |= mark(result, loops.dimOf(op.getNumOperands() + result.getResultNumber()));
  }
  return grew;
}

RankedTensorType KeptRows::typeFor(Value value, RankedTensorType type) const {
  auto dim = dimOf(value);
  return dim ? withRows(type, *dim, rows) : type;
}

Value KeptRows::gather(OpBuilder &b, Value value) const { return GatherRowsOp::create(b, value.getLoc(), value, rows); }

LogicalResult KeptRows::sweepOnRows(ImplicitLocOpBuilder &b, Operation *op, Cotangents &ct) const {
  TokenLoops loops(op);
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    if (auto dim = dimOf(operand))
      loops.add(i, *dim);
  if (!loops.any() && !isa<AcrossTokensOpInterface>(op))
    return sweepOp(b, op, ct);
  Operation *twin = buildOnRows(b, op, rows, loops);
  if (!twin)
    return op->emitOpError("has no gradient of some tokens alone: not every row of it follows from the same row of its "
                           "operands; leave out the objective's filter, or compute it where tokens are the first "
                           "dimension, as in the loop whose stack it reads");
  // Gathers of operands outlive the twin, so what is marked here is never erased but for its results.
  for (auto [own, other] : llvm::zip(op->getOperands(), twin->getOperands()))
    if (ct.wants(own))
      ct.markActive(other);
  for (auto [own, other] : llvm::zip(op->getResults(), twin->getResults())) {
    ct.markActive(other);
    ct.add(b, other, ct.of(own));
  }
  if (failed(sweepOp(b, twin, ct)))
    return failure();
  for (auto [own, other] : llvm::zip(op->getOperands(), twin->getOperands()))
    if (own != other)
      ct.add(b, own, ct.take(other));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(twin);
  for (auto [own, other] : llvm::zip(op->getResults(), twin->getResults())) {
    if (!other.use_empty())
      other.replaceAllUsesWith(own.getType() == other.getType() ? Value(own) : gather(b, own));
    ct.forget(other);
  }
  twin->erase();
  return success();
}
