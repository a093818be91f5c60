#include "dialect/interfaces/Vjp.h"
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"

using namespace mlir;
using namespace mlir::nanochat;

void Cotangents::add(OpBuilder &b, Value value, Value grad) {
  if (!grad || !wants(value))
    return;
  Value &sum = map[value];
  sum = sum ? arith::AddFOp::create(b, value.getLoc(), sum, grad).getResult() : grad;
}

Value Cotangents::ofOrZero(OpBuilder &b, Value value) const {
  if (Value ct = of(value))
    return ct;
  ImplicitLocOpBuilder at(value.getLoc(), b);
  return constant(at, typeOf(value), 0.0);
}

RankedTensorType Cotangents::typeOf(Value value) const {
  auto type = cast<RankedTensorType>(value.getType());
  if (!isa<FloatType>(type.getElementType()) || type.getElementTypeBitWidth() < precision.getIntOrFloatBitWidth())
    type = withElement(type, precision);
  return kept ? kept->typeFor(value, type) : type;
}

void Cotangents::markActive(Value value) {
  active.insert(value);
  if (!precision)
    precision = getElementTypeOrSelf(value);
}

void Cotangents::replace(Value from, Value to) {
  if (kept)
    kept->replace(from, to);
  if (active.erase(from))
    active.insert(to);
  if (Value ct = take(from))
    map[to] = ct;
}

Value Cotangents::take(Value value) {
  Value ct = of(value);
  map.erase(value);
  return ct;
}

void Cotangents::forget(Value value) {
  map.erase(value);
  active.erase(value);
}

/// Integers carry no gradient unless they are quantised values (i8), whose cotangent is of what
/// they stand for.
static bool carriesGradient(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && (isa<FloatType>(tensor.getElementType()) || tensor.getElementType().isInteger(8));
}

bool Cotangents::propagate(Block &block) {
  bool grew = false;
  auto mark = [&](Value value) { grew |= carriesGradient(value.getType()) && active.insert(value).second; };
  for (Operation &op : block) {
    if (auto loop = dyn_cast<LoopOp>(op)) {
      for (bool again = true; again;) {
        for (auto [arg, operand] : llvm::zip(loop.getBody().getArguments(), loop.getOperands()))
          if (wants(operand))
            mark(arg);
        again = propagate(loop.getBody().front());
        grew |= again;
        for (auto [arg, next] : llvm::zip(loop.getCarryArgs(), loop.getYield().getValues()))
          if (wants(next) && !wants(arg)) {
            mark(arg);
            again = true;
          }
      }
      for (auto [result, arg] : llvm::zip(loop.getCarryResults(), loop.getCarryArgs()))
        if (wants(arg))
          mark(result);
      for (auto [result, stack] : llvm::zip(loop.getStackResults(), loop.getYield().getStacks()))
        if (wants(stack))
          mark(result);
      continue;
    }
    if (llvm::any_of(op.getOperands(), [&](Value v) { return wants(v); }))
      llvm::for_each(op.getResults(), mark);
  }
  return grew;
}

LogicalResult mlir::nanochat::vjpByDecomposition(OpBuilder &b, Operation *op, Cotangents &ct) {
  auto aggregated = dyn_cast<linalg::AggregatedOpInterface>(op);
  if (!aggregated)
    return op->emitOpError("has no gradient: it declares none and has no decomposition to differentiate");
  // Decompose between two markers so that the sweep sees exactly the new ops.
  Block *block = b.getInsertionBlock();
  Operation *before = b.getInsertionPoint() == block->begin() ? nullptr : &*std::prev(b.getInsertionPoint());
  FailureOr<SmallVector<Value>> values = aggregated.decomposeOperation(b);
  if (failed(values))
    return op->emitOpError("could not be decomposed");
  SmallVector<Operation *> parts;
  for (auto it = before ? std::next(before->getIterator()) : block->begin(); it != b.getInsertionPoint(); ++it) {
    parts.push_back(&*it);
    if (llvm::any_of(it->getOperands(), [&](Value v) { return ct.wants(v); }))
      for (Value result : it->getResults())
        ct.markActive(result);
  }
  for (auto [value, result] : llvm::zip(*values, op->getResults()))
    ct.add(b, value, ct.of(result));
  for (Operation *part : llvm::reverse(parts)) {
    if (llvm::none_of(part->getResults(), [&](Value v) { return ct.of(v); }))
      continue;
    // A loop would need a place in the program that what is rebuilt here does not have yet.
    auto rule = isa<LoopOp>(part) ? DifferentiableOpInterface() : dyn_cast<DifferentiableOpInterface>(part);
    if (!rule)
      return op->emitOpError("has no gradient: its decomposition uses '")
             << part->getName() << "', for which there is no rule";
    if (ImplicitLocOpBuilder at(part->getLoc(), b); failed(rule.buildVJP(at, ct)))
      return failure();
  }
  return success();
}

LogicalResult mlir::nanochat::sweepOp(ImplicitLocOpBuilder &b, Operation *op, Cotangents &ct) {
  auto rule = dyn_cast<DifferentiableOpInterface>(op);
  return rule ? rule.buildVJP(b, ct) : vjpByDecomposition(b, op, ct);
}

LogicalResult mlir::nanochat::reverseSweep(OpBuilder &b, Block &block, Cotangents &ct) {
  const KeptRows *kept = ct.getKept();
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops)) {
    if (llvm::none_of(op->getResults(), [&](Value v) { return ct.of(v); }))
      continue;
    ImplicitLocOpBuilder at(op->getLoc(), b);
    auto own = kept ? dyn_cast<AcrossTokensOpInterface>(op) : AcrossTokensOpInterface();
    LogicalResult swept = own    ? own.buildKeptVJP(at, ct, *kept)
                          : kept ? kept->sweepOnRows(at, op, ct)
                                 : sweepOp(at, op, ct);
    if (failed(swept))
      return failure();
  }
  return success();
}
