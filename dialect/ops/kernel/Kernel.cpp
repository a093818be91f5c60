#include "dialect/Nanochat.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult SlotOp::verify() {
  if (getIndices().size() != getStrides().size()) // slot-c1
    return emitOpError("has ") << getIndices().size() << " indices but " << getStrides().size() << " strides";
  if (!cast<MemRefType>(getBuffer().getType()).hasStaticShape()) // slot-c2
    return emitOpError("needs a static shape, found ") << getBuffer().getType();
  return success();
}
