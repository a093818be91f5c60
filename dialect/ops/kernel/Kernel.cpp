#include "dialect/StepIR.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult SlotOp::verify() {
  if (getIndices().size() != getStrides().size()) // slot-c1
    return emitOpError("has ") << getIndices().size() << " indices but " << getStrides().size() << " strides";
  if (!cast<MemRefType>(getBuffer().getType()).hasStaticShape()) // slot-c2
    return emitOpError("needs a static shape, found ") << getBuffer().getType();
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel = symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getKernelAttr());
  if (!kernel || !nanochat::getKernel(kernel)) // launch-c1
    return emitOpError("runs @") << getKernel() << ", which is no function with '" << KernelAttr::name << "'";
  auto fault = [&](const Twine &what) -> InFlightDiagnostic {
    InFlightDiagnostic diag = emitOpError(what);
    diag.attachNote(kernel.getLoc()) << "the kernel is here";
    return diag;
  };
  SmallVector<Type> types = bufferTypes(kernel);
  if (types.size() != getBuffers().size()) // launch-c2
    return fault("gives @" + getKernel() + " " + Twine(getBuffers().size()) + " buffers; it takes " +
                 Twine(types.size()));
  for (auto [i, type, buffer] : llvm::enumerate(types, getBuffers().getTypes())) { // launch-c3
    auto wanted = dyn_cast<ShapedType>(type), given = cast<ShapedType>(buffer);
    if (!wanted || wanted.getShape() != given.getShape() || wanted.getElementType() != given.getElementType())
      return fault("gives @" + getKernel() + " as buffer " + Twine(i)) << ' ' << buffer << "; it takes " << type;
  }
  return success();
}
