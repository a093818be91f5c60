// Stacks that lie one after the other.
#include "dialect/Linalg.h"
#include "dialect/StepIR.h"
#include "dialect/interfaces/Host.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult JoinOp::verify() {
  RankedTensorType whole = typeOf(getWhole());
  int64_t elements = 0;
  for (Value part : getParts()) {
    RankedTensorType type = typeOf(part);
    if (!type.getRank() || !whole.getRank() || type.getElementType() != whole.getElementType() ||
        type.getShape().drop_front() != whole.getShape().drop_front()) // join-c1
      return emitOpError("makes ") << whole << " of " << type << ", whose elements are others";
    elements += type.getDimSize(0);
  }
  if (!whole.getRank() || elements != whole.getDimSize(0)) // join-c2
    return emitOpError("makes ") << whole << " of parts that have " << elements << " elements";
  if (getOver() && getOver().getType() != whole) // join-c3
    return emitOpError("puts ") << whole << " over " << getOver().getType();
  return success();
}

void JoinOp::place(HostPlaces &places) { places.join(*this); }
void JoinOp::emit(HostCode &) {}
LogicalResult JoinOp::replay(HostReplay &replay) {
  replay.join(*this);
  return success();
}
