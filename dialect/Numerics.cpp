#include "dialect/Numerics.h"
#include "dialect/Formats.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult NumericsAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, BackwardFormat,
                                   BackwardFormat head, std::optional<Rounding>, Format dense, Format attention,
                                   Format floats) {
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
                                   BackwardFormat dw, std::optional<Rounding> rounding, int64_t hadamard,
                                   Fp4Scale scale) {
  if (!llvm::is_contained({-1, 0, 16, 32, 64, 128}, hadamard))
    return emitError() << "hadamard = " << hadamard << " is not known: it is 0 (none), 16, 32, 64 or 128";
  if (rounding && !rounds(dx, dw))
    return emitError() << "rounding is of gradients in int8, mxfp4 or nvfp4, and these are in "
                       << stringifyBackwardFormat(dx) << " and " << stringifyBackwardFormat(dw);
  if ((dx == BackwardFormat::nvfp4 || dw == BackwardFormat::nvfp4) && scale == Fp4Scale::up)
    return emitError() << "scale = up rounds powers of two, which nvfp4 has none of";
  return success();
}

BackwardAttr BackwardAttr::withRounding(std::optional<nanochat::Rounding> rounding) const {
  bool isOpen = !getRounding() && rounds(getDx(), getDw());
  return isOpen ? get(getContext(), getDx(), getDw(), rounding, getHadamard(), getScale()) : *this;
}

std::string Numerics::spell() const {
  std::string rounds = rounding ? ",rounding=" + stringifyRounding(*rounding).str() : "";
  return ("backward=" + stringifyBackwardFormat(backward) + ",head=" + stringifyBackwardFormat(head) + rounds +
          ",dense=" + stringifyFormat(dense) + ",attention=" + stringifyFormat(attention) +
          ",floats=" + stringifyFormat(floats))
      .str();
}

Numerics Numerics::of(Operation *op) {
  auto module = isa<ModuleOp>(op) ? cast<ModuleOp>(op) : op->getParentOfType<ModuleOp>();
  auto attr = module ? module->getAttrOfType<NumericsAttr>(kNumericsAttr) : NumericsAttr();
  return attr ? Numerics{attr.getBackward(), attr.getHead(),      attr.getRounding(),
                         attr.getDense(),    attr.getAttention(), attr.getFloats()}
              : Numerics();
}
