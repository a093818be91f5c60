#include "lib/Checks/Gradient.h"
#include "dialect/Nanochat.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::nanochat;

bool mlir::nanochat::isFloatTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

bool mlir::nanochat::isFixed(func::FuncOp func, unsigned arg) { return bool(func.getArgAttr(arg, "nanochat.fixed")); }

LogicalResult mlir::nanochat::rewriteToGradient(func::FuncOp func) {
  Block &body = func.getBody().front();
  SmallVector<BlockArgument> args;
  for (BlockArgument arg : body.getArguments())
    if (isFloatTensor(arg.getType()) && !isFixed(func, arg.getArgNumber()))
      args.push_back(arg);
  Operation *ret = body.getTerminator();
  Cotangents ct;
  for (BlockArgument arg : args)
    ct.markActive(arg);
  while (ct.propagate(body))
    ;
  OpBuilder b(ret);
  for (Value result : ret->getOperands())
    if (isFloatTensor(result.getType()))
      ct.add(b, result, body.addArgument(result.getType(), ret->getLoc()));
  if (failed(reverseSweep(b, body, ct)))
    return failure();
  SmallVector<Value> gradients;
  for (BlockArgument arg : args)
    gradients.push_back(ct.ofOrZero(b, arg));
  ret->setOperands(gradients);
  func.removeArgAttrsAttr();
  func.removeResAttrsAttr();
  func.setType(b.getFunctionType(body.getArgumentTypes(), TypeRange(ValueRange(gradients))));
  return success();
}
