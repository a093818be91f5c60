#include "dialect/StepIR.h"

using namespace mlir;
using namespace mlir::nanochat;

int64_t mlir::nanochat::denseBytes(Type type) {
  auto shaped = cast<ShapedType>(type);
  return shaped.getNumElements() * ((shaped.getElementTypeBitWidth() + 7) / 8);
}

Arena mlir::nanochat::arenaOf(BindingKind kind) {
  switch (kind) {
  case BindingKind::parameter:
  case BindingKind::scales:
    return Arena::param;
  case BindingKind::state:
    return Arena::state;
  case BindingKind::gradient:
    return Arena::gradient;
  case BindingKind::input:
  case BindingKind::output:
    return Arena::io;
  }
  llvm_unreachable("not a binding's kind");
}

LogicalResult TensorOp::verify() {
  if (Arena own = arenaOf(getBind().getKind()); getArena() != own) // tensor-c1
    return emitOpError("is in arena ") << stringifyArena(getArena()) << ", but a tensor of kind "
                                       << stringifyBindingKind(getBind().getKind()) << " lies in "
                                       << stringifyArena(own);
  return success();
}

LogicalResult TemporaryOp::verify() {
  if (int64_t(getFirst()) < 0 || getLast() < getFirst()) // temporary-c1
    return emitOpError("is alive from step ")
           << int64_t(getFirst()) << " to " << int64_t(getLast()) << "; expected from 0 on, and to what comes later";
  return success();
}

LogicalResult ProgramOp::verify() {
  size_t count = getMaxEnumValForArena() + 1;
  if (!getArenas().empty() && getArenas().size() != count) // program-c1
    return emitOpError("has ") << getArenas().size() << " arenas; expected one of each kind, " << count;
  for (NamedAttribute size : getSizes()) // program-c2
    if (!isa<IntegerAttr>(size.getValue()))
      return emitOpError("has the size ") << size.getName() << " = " << size.getValue() << "; sizes are integers";
  if (auto first = *cast<ModuleOp>((*this)->getParentOp()).getOps<ProgramOp>().begin(); first != *this) { // program-c3
    InFlightDiagnostic diag = emitOpError("is the second one of its module");
    diag.attachNote(first.getLoc()) << "the first is here";
    return diag;
  }
  return success();
}

LogicalResult ProgramOp::verifyRegions() {
  for (Operation &op : getBody().front()) {
    auto [arena, offset, bytes] = std::tuple(Arena::workspace, int64_t(0), int64_t(0));
    if (auto tensor = dyn_cast<TensorOp>(op))
      std::tie(arena, offset, bytes) =
          std::tuple(tensor.getArena(), int64_t(tensor.getOffset()), denseBytes(tensor.getType()));
    else if (auto temporary = dyn_cast<TemporaryOp>(op))
      std::tie(offset, bytes) = std::pair(int64_t(temporary.getOffset()), int64_t(temporary.getBytes()));
    else // program-c4
      return op.emitOpError("is no part of a program: those are nanochat.tensor and nanochat.temporary");
    int64_t size = getArenas().empty() ? 0 : getArenas()[unsigned(arena)];
    if (offset < 0 || bytes < 0 || offset > size - bytes) // program-c5
      return op.emitOpError("takes bytes ")
             << offset << " to " << offset + bytes << " of arena " << stringifyArena(arena) << ", which has " << size;
  }
  auto tensors = getBody().front().getOps<TensorOp>();
  int64_t count = std::distance(tensors.begin(), tensors.end());
  for (func::FuncOp entry : getEntries(cast<ModuleOp>((*this)->getParentOp())))
    if (DenseI64ArrayAttr used = getEntry(entry).getTensors())
      for (int64_t number : used.asArrayRef())
        if (number >= count) // program-c6
          return entry.emitError("uses tensor ") << number << " of a program that has " << count;
  return success();
}
