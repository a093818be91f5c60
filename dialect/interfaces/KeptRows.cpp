#include "dialect/interfaces/KeptRows.h"
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// Which loops of an op run over tokens.
class TokenLoops {
public:
  explicit TokenLoops(Operation *op) : op(op) {
    llvm::append_range(values, op->getOperands());
    llvm::append_range(values, op->getResults());
    if (auto space = dyn_cast<shard::ShardingInterface>(op)) {
      maps = space.getIndexingMaps();
    } else if (op->hasTrait<PointwiseOp>() || OpTrait::hasElementwiseMappableTraits(op)) {
      for (Value value : values)
        maps.push_back(AffineMap::getMultiDimIdentityMap(rankOf(value), op->getContext()));
    }
  }

  /// The loop over dimension `dim` of the i-th of operands and results is one.
  void add(unsigned i, unsigned dim) {
    if (i < maps.size() && dim < maps[i].getNumResults())
      if (auto loop = dyn_cast<AffineDimExpr>(maps[i].getResult(dim)))
        loops.insert(loop.getPosition());
  }
  bool any() const { return !loops.empty(); }
  /// Which dimension of the i-th of operands and results is for tokens.
  std::optional<unsigned> dimOf(unsigned i) const {
    if (i < maps.size())
      for (auto [dim, expr] : llvm::enumerate(maps[i].getResults()))
        if (auto loop = dyn_cast<AffineDimExpr>(expr); loop && loops.contains(loop.getPosition()))
          return dim;
    return std::nullopt;
  }
  /// Does each row follow from the same row of the operands, the first dimension of each being for tokens?
  bool isByRow() const {
    auto isOther = [&](AffineExpr expr) {
      return !isa<AffineDimExpr>(expr) &&
             llvm::any_of(loops, [&](unsigned loop) { return expr.isFunctionOfDim(loop); });
    };
    if (loops.size() != 1 || op->getNumRegions())
      return false;
    for (unsigned i = 0; i < maps.size(); ++i)
      if (dimOf(i).value_or(0) != 0 || llvm::any_of(maps[i].getResults(), isOther))
        return false;
    return true;
  }

private:
  static unsigned rankOf(Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return type ? type.getRank() : 0;
  }

  Operation *op;
  SmallVector<Value> values;
  SmallVector<AffineMap> maps;
  llvm::SmallDenseSet<unsigned> loops;
};
} // namespace

static RankedTensorType withRows(RankedTensorType type, unsigned dim, Value rows) {
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = typeOf(rows).getDimSize(0);
  return withShape(type, shape);
}

/// `op` for rows alone, its token loops being `loops`; null if it is not by row.
static Operation *cloneOnRows(ImplicitLocOpBuilder &b, Operation *op, Value rows, const TokenLoops &loops) {
  if (auto own = dyn_cast<AcrossTokensOpInterface>(op))
    return own.buildOnRows(b, rows);
  if (!loops.isByRow())
    return nullptr;
  Operation *clone = op->cloneWithoutRegions();
  for (auto [i, operand] : llvm::enumerate(clone->getOpOperands()))
    if (loops.dimOf(i))
      operand.set(GatherRowsOp::create(b, operand.get(), rows));
  for (OpResult result : clone->getResults())
    if (auto dim = loops.dimOf(op->getNumOperands() + result.getResultNumber()))
      result.setType(withRows(typeOf(result), *dim, rows));
  b.insert(clone);
  return clone;
}

Operation *mlir::nanochat::buildOnRows(ImplicitLocOpBuilder &b, OpResult result, Value rows) {
  TokenLoops loops(result.getOwner());
  loops.add(result.getOwner()->getNumOperands() + result.getResultNumber(), 0);
  return cloneOnRows(b, result.getOwner(), rows, loops);
}

Value mlir::nanochat::positionsOf(ImplicitLocOpBuilder &b, Value rows, int64_t seq) {
  return arith::RemUIOp::create(b, rows, constant(b, rows.getType(), seq));
}

//===--- KeptRows ----------------------------------------------------------------------------===//

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

Value KeptRows::gather(OpBuilder &b, Value value) const {
  return GatherRowsOp::create(b, value.getLoc(), value, rows);
}

LogicalResult KeptRows::sweepOnRows(ImplicitLocOpBuilder &b, Operation *op, Cotangents &ct) const {
  TokenLoops loops(op);
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    if (auto dim = dimOf(operand))
      loops.add(i, *dim);
  if (!loops.any() && !isa<AcrossTokensOpInterface>(op))
    return sweepOp(b, op, ct);
  Operation *twin = cloneOnRows(b, op, rows, loops);
  if (!twin)
    return op->emitOpError("has no gradient of some tokens alone, which the objective's filter asks for: each of its "
                           "rows does not follow from one row of its operands");
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
