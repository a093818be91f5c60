// What follows from sizes: attributes, and the types of all values.
#include "dialect/ops/model/Sizes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult mlir::nanochat::replaceSized(Operation *op,
                                           llvm::function_ref<FailureOr<Attribute>(SizedAttr, StringRef)> replace) {
  for (NamedAttribute named : op->getAttrDictionary()) {
    StringRef name = named.getName();
    auto array = dyn_cast<ArrayAttr>(named.getValue());
    SmallVector<Attribute> elements{named.getValue()};
    if (array)
      elements.assign(array.begin(), array.end());
    SmallVector<Attribute> replaced(elements);
    for (Attribute &element : replaced)
      if (auto sized = dyn_cast<SizedAttr>(element)) {
        auto value = replace(sized, name);
        if (failed(value))
          return failure();
        element = *value;
      }
    if (replaced != elements)
      op->setAttr(name, array ? ArrayAttr::get(op->getContext(), replaced) : replaced[0]);
  }
  return success();
}

static LogicalResult reinfer(LoopOp loop) {
  for (auto [arg, init] : llvm::zip(loop.getCarryArgs(), loop.getInits())) {
    BlockArgument(arg).setType(init.getType());
    loop->getResult(arg.getArgNumber()).setType(init.getType());
  }
  for (auto [arg, slice] : llvm::zip(loop.getSliceArgs(), loop.getSlices())) {
    if (cast<RankedTensorType>(slice.getType()).getRank() == 0)
      return loop.emitOpError("slices ") << slice.getType() << ", which has no leading dimension";
    BlockArgument(arg).setType(LoopOp::sliceOf(slice.getType()));
  }
  if (failed(reinfer(loop.getBody().front())))
    return failure();
  for (auto [result, stack] : llvm::zip(loop.getStackResults(), loop.getYield().getStacks()))
    result.setType(loop.stackOf(stack.getType()));
  return success();
}

LogicalResult mlir::nanochat::reinfer(Block &block) {
  for (Operation &op : block) {
    if (auto loop = dyn_cast<LoopOp>(op)) {
      if (failed(::reinfer(loop)))
        return failure();
    } else if (auto region = dyn_cast<Fp4RegionOp>(op)) {
      if (failed(reinfer(region.getBody().front())))
        return failure();
      for (auto [result, value] :
           llvm::zip(region.getResults(), region.getBody().front().getTerminator()->getOperands()))
        result.setType(value.getType());
    } else if (auto own = dyn_cast<OwnShapeOpInterface>(op)) {
      for (Value result : op.getResults())
        result.setType(RankedTensorType::get(own.getOwnShape(), getElementTypeOrSelf(result)));
    } else if (auto infer = dyn_cast<InferTypeOpInterface>(op)) {
      SmallVector<Type> types;
      if (failed(infer.inferReturnTypes(op.getContext(), op.getLoc(), op.getOperands(),
                                        op.getDiscardableAttrDictionary(), op.getPropertiesStorage(), op.getRegions(),
                                        types)))
        return op.emitOpError("has no valid types for these sizes");
      for (auto [result, type] : llvm::zip(op.getResults(), types))
        result.setType(type);
    }
    for (Type type : op.getResultTypes())
      if (isUnsized(type))
        return op.emitOpError("has a type that does not follow from the model's sizes");
  }
  return success();
}

/// The number as a constant. What is scaled by 1 stays what it is.
static void makeConstant(NumberOp number) {
  IRRewriter rewriter(number);
  auto constant = number.decomposeOperation(rewriter);
  rewriter.replaceOp(number, *constant);
  Value value = constant->front();
  for (Operation *user : llvm::make_early_inc_range(value.getUsers()))
    if (auto scale = dyn_cast<ScaleOp>(user); scale && matchPattern(scale.getS(), m_OneFloat()))
      rewriter.replaceOp(scale, scale.getX());
  if (value.use_empty())
    rewriter.eraseOp(value.getDefiningOp());
}

void mlir::nanochat::makePlain(ModelOp model) {
  model->walk([](Operation *op) {
    (void)replaceSized(op, [](SizedAttr sized, StringRef) { return FailureOr<Attribute>(sized.getValue()); });
    if (auto param = dyn_cast<ParamOp>(op))
      param.removeDimsAttr();
  });
  SmallVector<NumberOp> numbers;
  model->walk([&](NumberOp number) { numbers.push_back(number); });
  llvm::for_each(numbers, makeConstant);
  model->walk([](NumbersOp numbers) {
    IRRewriter rewriter(numbers);
    rewriter.replaceOp(numbers, *numbers.decomposeOperation(rewriter));
  });
  model.removeSizesAttr();
  model.removeSettingsAttr();
  model.removePresetsAttr();
}
