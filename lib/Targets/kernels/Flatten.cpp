#include "lib/Targets/kernels/RowwisePlan.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

static RankedTensorType typeOf(Value value) { return dyn_cast<RankedTensorType>(value.getType()); }

/// All tensors of the body are scalars or have one common shape, read at equal indices only.
static bool isFlat(func::FuncOp kernel, ArrayRef<int64_t> shape) {
  auto fits = [&](Value value) {
    RankedTensorType type = typeOf(value);
    return !type || type.getRank() == 0 || type.getShape() == shape;
  };
  auto flatOp = [&](Operation &op) {
    if (!llvm::all_of(op.getResults(), fits))
      return false;
    if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      bool maps = llvm::all_of(generic.getIndexingMapsArray(),
                               [](AffineMap map) { return map.isIdentity() || map.getNumResults() == 0; });
      bool reads = op.walk([](Operation *inner) {
                       bool moves = isa<linalg::IndexOp, tensor::ExtractOp>(inner);
                       return moves ? WalkResult::interrupt() : WalkResult::advance();
                     }).wasInterrupted();
      return maps && !reads && generic.getNumReductionLoops() == 0;
    }
    if (isa<arith::ConstantOp>(op)) {
      auto elements = dyn_cast<DenseElementsAttr>(cast<arith::ConstantOp>(op).getValue());
      return !elements || elements.isSplat();
    }
    return isa<tensor::EmptyOp, linalg::FillOp, func::ReturnOp>(op);
  };
  return llvm::all_of(kernel.getArguments(), fits) && llvm::all_of(kernel.front(), flatOp);
}

void nanochat::flatten(func::FuncOp kernel) {
  auto results = kernel.front().getTerminator()->getOperands();
  if (results.empty() || typeOf(results[0]).getRank() == 0)
    return;
  SmallVector<int64_t> shape(typeOf(results[0]).getShape());
  if (!isFlat(kernel, shape))
    return;
  auto retype = [&](Value value) {
    RankedTensorType type = typeOf(value);
    if (type && type.getRank() > 0)
      value.setType(RankedTensorType::get({type.getNumElements()}, type.getElementType()));
  };
  llvm::for_each(kernel.getArguments(), retype);
  for (Operation &op : kernel.front()) {
    llvm::for_each(op.getResults(), retype);
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      if (auto splat = dyn_cast<SplatElementsAttr>(constant.getValue()))
        constant.setValueAttr(splat.resizeSplat(cast<ShapedType>(constant.getType())));
    if (auto generic = dyn_cast<linalg::GenericOp>(op); generic && generic.getNumLoops() > 0) {
      MLIRContext *ctx = op.getContext();
      SmallVector<AffineMap> maps;
      for (AffineMap map : generic.getIndexingMapsArray())
        maps.push_back(map.getNumResults() ? AffineMap::getMultiDimIdentityMap(1, ctx) : AffineMap::get(1, 0, ctx));
      generic.setIndexingMapsAttr(Builder(ctx).getAffineMapArrayAttr(maps));
      generic.setIteratorTypesAttr(
          ArrayAttr::get(ctx, linalg::IteratorTypeAttr::get(ctx, utils::IteratorType::parallel)));
    }
  }
}
