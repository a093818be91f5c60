#include "lib/Execution/Inputs.h"

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

/// The range an argument's attribute gives; `fallback` without one.
static FailureOr<std::pair<double, double>> rangeOf(func::FuncOp func, unsigned arg,
                                                    std::pair<double, double> fallback) {
  auto range = func.getArgAttrOfType<ArrayAttr>(arg, "nanochat.range");
  if (!range)
    return fallback;
  SmallVector<double> bounds;
  for (Attribute bound : range)
    if (auto value = dyn_cast<FloatAttr>(bound))
      bounds.push_back(value.getValueAsDouble());
    else if (auto value = dyn_cast<IntegerAttr>(bound))
      bounds.push_back(value.getInt());
  if (range.size() != 2 || bounds.size() != 2 || bounds[0] > bounds[1])
    return func.emitError("argument ") << arg << " has nanochat.range = " << range << "; expected [low, high]";
  return std::make_pair(bounds[0], bounds[1]);
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
    auto range = rangeOf(func, i, fallback);
    if (failed(range))
      return failure();
    if (extremes)
      filler.choices(input, {range->first, range->second, std::clamp(0.0, range->first, range->second)});
    else
      filler.uniform(input, range->first, range->second);
  }
  return success();
}

FailureOr<std::vector<HostTensor>> mlir::nanochat::randomInputs(func::FuncOp func, Filler &filler,
                                                                 bool extremes) {
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
