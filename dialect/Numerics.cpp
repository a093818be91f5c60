#include "dialect/Numerics.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult NumericsAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, Format backward, Format dense,
                                   Format attention, Format floats) {
  struct Choice {
    StringLiteral name;
    Format chosen, other; // than f32
  };
  for (auto [name, chosen, other] :
       {Choice{"backward", backward, Format::int16}, Choice{"dense", dense, Format::bf16},
        Choice{"attention", attention, Format::bf16}, Choice{"floats", floats, Format::f64}})
    if (chosen != Format::f32 && chosen != other)
      return emitError() << name << " = " << stringifyFormat(chosen) << " is not known: it is f32 or "
                         << stringifyFormat(other);
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
