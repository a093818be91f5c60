#include "dialect/Numerics.h"
#include "dialect/Formats.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult NumericsAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, Format backward, Format dense,
                                   Format attention, Format floats) {
  struct Choice {
    StringLiteral name;
    Format chosen;
    SmallVector<Format> formats;
  };
  for (const Choice &choice :
       {Choice{"backward", backward, {Format::f32, Format::int16}}, Choice{"dense", dense, denseFormats()},
        Choice{"attention", attention, {Format::f32, Format::bf16}},
        Choice{"floats", floats, {Format::f32, Format::f64}}})
    if (!llvm::is_contained(choice.formats, choice.chosen))
      return emitError() << choice.name << " = " << stringifyFormat(choice.chosen) << " is not known: it is "
                         << listFormats(choice.formats);
  return success();
}

std::string Numerics::spell() const {
  return ("backward=" + stringifyFormat(backward) + ",dense=" + stringifyFormat(dense) +
          ",attention=" + stringifyFormat(attention) + ",floats=" + stringifyFormat(floats))
      .str();
}

Numerics Numerics::of(Operation *op) {
  auto module = isa<ModuleOp>(op) ? cast<ModuleOp>(op) : op->getParentOfType<ModuleOp>();
  auto attr = module ? module->getAttrOfType<NumericsAttr>(kNumericsAttr) : NumericsAttr();
  return attr ? Numerics{attr.getBackward(), attr.getDense(), attr.getAttention(), attr.getFloats()} : Numerics();
}
