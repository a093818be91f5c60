#include "lib/Execution/Inputs.h"
#include "dialect/StepIR.h"

using namespace mlir;
using namespace mlir::nanochat;

FailureOr<std::vector<HostTensor>> mlir::nanochat::allocate(func::FuncOp func, TypeRange types) {
  std::vector<HostTensor> buffers;
  for (Type type : types) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !tensor.hasStaticShape() || !HostTensor::supports(tensor.getElementType()))
      return func.emitError("cannot be run on values of type ") << type;
    buffers.emplace_back(tensor);
  }
  return buffers;
}

LogicalResult mlir::nanochat::fillInputs(func::FuncOp func, MutableArrayRef<HostTensor> inputs, Filler &filler,
                                         bool extremes) {
  for (auto [i, input] : llvm::enumerate(inputs)) {
    if (input.isFloat() && !func.getArgAttr(i, "nanochat.range")) {
      if (extremes)
        filler.choices(input, {0, -0.0, 1, -1, 1e-20, -1e-20, 1e8, -1e8});
      else
        filler.normal(input);
      continue;
    }
    Type element = input.type().getElementType();
    std::pair<double, double> fallback{-127, 127};
    if (auto bound = func.getArgAttrOfType<IntegerAttr>(i, "nanochat.bound"))
      fallback = {0, bound.getInt() - 1};
    else if (element.isInteger(1))
      fallback = {0, 1};
    else if (!element.isInteger(8) && !func.getArgAttr(i, "nanochat.range"))
      return func.emitError("argument ") << i << " of type " << input.type()
                                         << " needs {nanochat.bound = V : i64}: ids are drawn from [0, V)";
    auto [low, high] = readRange(func.getArgAttr(i, "nanochat.range")).value_or(fallback);
    if (extremes)
      filler.choices(input, {low, high, std::clamp(0.0, low, high)});
    else
      filler.uniform(input, low, high);
  }
  return success();
}

FailureOr<std::vector<HostTensor>> mlir::nanochat::randomInputs(func::FuncOp func, Filler &filler, bool extremes) {
  auto inputs = allocate(func, func.getArgumentTypes());
  if (failed(inputs) || failed(fillInputs(func, *inputs, filler, extremes)))
    return failure();
  return inputs;
}

SmallVector<uint64_t> mlir::nanochat::wordsOf(ArrayRef<const std::vector<HostTensor> *> buffers) {
  SmallVector<uint64_t> words;
  for (const std::vector<HostTensor> *list : buffers)
    for (const HostTensor &tensor : *list)
      words.push_back(tensor.word());
  return words;
}
