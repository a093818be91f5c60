#include "lib/Replay/Rounding.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <cmath>

using namespace mlir;
using namespace mlir::nanochat;

/// Large enough that a bf16 can move by it; what results move by is scaled down.
static constexpr double kMoved = 0x1p-8;

/// A copy whose floats are moved at random.
static Tensor moved(const HostTensor &tensor, Filler &filler) {
  auto result = std::make_shared<HostTensor>(tensor.copy());
  if (!tensor.isFloat())
    return result;
  filler.choices(*result, {1 - kMoved, 1 + kMoved});
  for (int64_t i = 0; i < tensor.size(); ++i)
    result->set(i, tensor.get(i) * result->get(i));
  return result;
}

/// The terms of the longest sum of a kernel: of an op that is still a whole, no more than a side of an operand.
static int64_t longestSum(func::FuncOp kernel) {
  int64_t longest = 1;
  kernel.walk([&](Operation *op) {
    int64_t terms = 1;
    if (auto sum = dyn_cast<linalg::LinalgOp>(op)) {
      for (auto [size, kind] : llvm::zip(sum.getStaticLoopRanges(), sum.getIteratorTypesArray()))
        terms *= kind == utils::IteratorType::reduction ? size : 1;
    } else if (isa<KernelOpInterface>(op)) {
      for (Type type : op->getOperandTypes())
        for (int64_t size : cast<RankedTensorType>(type).getShape())
          terms = std::max(terms, size);
    }
    longest = std::max(longest, terms);
  });
  return longest;
}

SmallVector<double> mlir::nanochat::roundingOf(const ReferenceKernels &kernels, DispatchOp call,
                                               ArrayRef<Tensor> inputs, ArrayRef<Tensor> results, double rounding) {
  Filler filler(0);
  SmallVector<Tensor> others = llvm::map_to_vector(inputs, [&](const Tensor &input) { return moved(*input, filler); });
  auto kernel = call->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(*call.getKernel());
  double scale = rounding / kMoved * std::sqrt(double(longestSum(kernel)));
  SmallVector<double> distances;
  for (auto [there, here] : llvm::zip(kernels.run(call, others), results))
    distances.push_back(scale * distanceL2(*there, *here));
  return distances;
}
