#include "lib/Execution/Gradient.h"
#include "dialect/Nanochat.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::nanochat;

static llvm::APFloat widened(llvm::APFloat value) {
  bool loses;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &loses);
  return value;
}

void mlir::nanochat::convertToDouble(func::FuncOp func) {
  Type wide = Float64Type::get(func.getContext());
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](Float32Type) { return std::make_pair(wide, WalkResult::skip()); });
  replacer.addReplacement([&](FloatAttr attr) -> std::optional<std::pair<Attribute, WalkResult>> {
    if (!attr.getType().isF32())
      return std::nullopt;
    return std::make_pair(Attribute(FloatAttr::get(wide, widened(attr.getValue()))), WalkResult::skip());
  });
  replacer.addReplacement([&](DenseElementsAttr attr) -> std::optional<std::pair<Attribute, WalkResult>> {
    if (!attr.getElementType().isF32())
      return std::nullopt;
    auto values = cast<DenseFPElementsAttr>(attr).mapValues(
        wide, [](const llvm::APFloat &value) { return widened(value).bitcastToAPInt(); });
    return std::make_pair(Attribute(values), WalkResult::skip());
  });
  replacer.recursivelyReplaceElementsIn(func, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
  // Conversions between f32 and f64 convert nothing any more.
  func.walk([](Operation *op) {
    if (isa<arith::ExtFOp, arith::TruncFOp>(op) &&
        op->getOperand(0).getType() == op->getResult(0).getType()) {
      op->getResult(0).replaceAllUsesWith(op->getOperand(0));
      op->erase();
    }
  });
}

bool mlir::nanochat::isFloatTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

LogicalResult mlir::nanochat::rewriteToGradient(func::FuncOp func) {
  Block &body = func.getBody().front();
  SmallVector<BlockArgument> args(body.getArguments());
  Operation *ret = body.getTerminator();
  Cotangents ct;
  for (BlockArgument arg : args)
    if (isFloatTensor(arg.getType()))
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
    if (isFloatTensor(arg.getType()))
      gradients.push_back(ct.ofOrZero(b, arg));
  ret->setOperands(gradients);
  func.removeArgAttrsAttr();
  func.removeResAttrsAttr();
  func.setType(b.getFunctionType(body.getArgumentTypes(), TypeRange(ValueRange(gradients))));
  return success();
}
