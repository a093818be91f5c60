#include "dialect/Numerics.h"
#include "dialect/Formats.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult NumericsAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, BackwardFormat,
                                   BackwardFormat head, Format dense, Format attention, Format floats) {
  struct Choice {
    StringLiteral name;
    Format chosen;
    SmallVector<Format> formats;
  };
  for (const Choice &choice :
       {Choice{"dense", dense, denseFormats()}, Choice{"attention", attention, {Format::f32, Format::bf16}},
        Choice{"floats", floats, {Format::f32, Format::f64}}})
    if (!llvm::is_contained(choice.formats, choice.chosen))
      return emitError() << choice.name << " = " << stringifyFormat(choice.chosen) << " is not known: it is "
                         << listFormats(choice.formats);
  if (head != BackwardFormat::f32 && head != BackwardFormat::int8)
    return emitError() << "head = " << stringifyBackwardFormat(head) << " is not known: it is f32 or int8";
  return success();
}

LogicalResult BackwardAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, BackwardFormat dx,
                                   BackwardFormat dw, Rounding, int64_t hadamard, Fp4Scale scale) {
  if (!llvm::is_contained({-1, 0, 16, 32, 64, 128}, hadamard))
    return emitError() << "hadamard = " << hadamard << " is not known: it is 0 (none), 16, 32, 64 or 128";
  if ((dx == BackwardFormat::nvfp4 || dw == BackwardFormat::nvfp4) && scale == Fp4Scale::up)
    return emitError() << "scale = up rounds powers of two, which nvfp4 has none of";
  return success();
}

std::string Numerics::spell() const {
  return ("backward=" + stringifyBackwardFormat(backward) + ",head=" + stringifyBackwardFormat(head) + ",dense=" +
          stringifyFormat(dense) + ",attention=" + stringifyFormat(attention) + ",floats=" + stringifyFormat(floats))
      .str();
}

Numerics Numerics::of(Operation *op) {
  auto module = isa<ModuleOp>(op) ? cast<ModuleOp>(op) : op->getParentOfType<ModuleOp>();
  auto attr = module ? module->getAttrOfType<NumericsAttr>(kNumericsAttr) : NumericsAttr();
  return attr ? Numerics{attr.getBackward(), attr.getHead(), attr.getDense(), attr.getAttention(), attr.getFloats()}
              : Numerics();
}
