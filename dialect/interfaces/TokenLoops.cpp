#include "dialect/interfaces/TokenLoops.h"
#include "dialect/Linalg.h"

using namespace mlir;
using namespace mlir::nanochat;

RankedTensorType mlir::nanochat::withRows(RankedTensorType type, unsigned dim, Value rows) {
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = typeOf(rows).getDimSize(0);
  return withShape(type, shape);
}

Operation *mlir::nanochat::buildOnRows(ImplicitLocOpBuilder &b, Operation *op, Value rows, const TokenLoops &loops) {
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
  return buildOnRows(b, result.getOwner(), rows, loops);
}

Value mlir::nanochat::positionsOf(ImplicitLocOpBuilder &b, Value rows, int64_t seq) {
  return arith::RemUIOp::create(b, rows, constant(b, rows.getType(), seq));
}
