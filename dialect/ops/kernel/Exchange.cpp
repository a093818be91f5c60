// Exchanges of tensors between ranks.
#include "dialect/Linalg.h"
#include "dialect/StepIR.h"
#include "dialect/interfaces/Host.h"

using namespace mlir;
using namespace mlir::nanochat;

//===--- exchange_start ----------------------------------------------------------------------===//

int64_t ExchangeStartOp::getPieceBytes() {
  int64_t bytes = denseBytes(getX().getType());
  return getCollective() == Collective::all_to_all ? denseBytes(getY().getType()) / typeOf(getY()).getDimSize(0)
                                                   : bytes;
}

int64_t ExchangeStartOp::getTotalBytes() {
  return denseBytes((getCollective() == Collective::all_to_all ? getX() : getY()).getType());
}

LogicalResult ExchangeStartOp::verify() {
  RankedTensorType x = typeOf(getX()), y = typeOf(getY());
  if (!x.hasStaticShape() || !y.hasStaticShape() || x.getElementType() != y.getElementType()) // exchange-c1
    return emitOpError("relates ") << x << " and " << y << ", which are to be of one element type and of known sizes";
  bool hasRows = y.getRank() > 0 && y.getDimSize(0) > 0 && y.getNumElements() >= x.getNumElements();
  if (getCollective() == Collective::all_to_all && !hasRows) // exchange-c2
    return emitOpError("puts ") << x << " into " << y << ", which has no row for the piece of each rank";
  if (getCollective() == Collective::all_gather && y.getNumElements() < x.getNumElements()) // exchange-c3
    return emitOpError("gathers pieces ") << x << " into " << y << ", which is smaller than one";
  if (getCollective() == Collective::broadcast && x != y) // exchange-c4
    return emitOpError("broadcasts ") << x << " as " << y;
  if (getOver() && getOver().getType() != y) // exchange-c5
    return emitOpError("puts ") << y << " over " << getOver().getType();
  if (getStride() > 1 && !getMembers()) // exchange-c8
    return emitOpError("has members ") << getStride() << " ranks apart, and does not say how many";
  if (!getY().hasOneUse() || !isa<ExchangeDoneOp>(*getY().user_begin())) // exchange-c6
    return emitOpError("has a result that something other than one exchange_done reads: it is not whole before");
  auto loop = dyn_cast<LoopOp>((*this)->getParentOp());
  if (getAhead() && !(loop && loop.getSlicedStack(getX()))) // exchange-c7
    return emitOpError("goes ahead, and what it sends is no slice of the loop around");
  return success();
}

void ExchangeStartOp::place(HostPlaces &places) {
  int64_t over = getOver() ? 1 : -1;
  places.write(*this, over);
}
void ExchangeStartOp::emit(HostCode &code) { code.start(*this); }
LogicalResult ExchangeStartOp::replay(HostReplay &) {
  return emitOpError("is of several ranks, and what one of them has recorded does not say what the others sent");
}

//===--- exchange_done -----------------------------------------------------------------------===//

ExchangeStartOp ExchangeDoneOp::getStart() { return getY().getDefiningOp<ExchangeStartOp>(); }

LogicalResult ExchangeDoneOp::verify() {
  ExchangeStartOp start = getStart();
  if (!start) // done-c1
    return emitOpError("waits for what is not the result of an exchange_start");
  if (start->getBlock() != (*this)->getBlock()) // done-c3
    return emitOpError("waits in another block than that in which the exchange starts");
  if (start.getX() != getX()) // done-c2
    return emitOpError("names another source than the exchange_start that it waits for");
  return success();
}

void ExchangeDoneOp::place(HostPlaces &places) { places.show(getZ(), getY()); }
void ExchangeDoneOp::emit(HostCode &code) { code.finish(*this); }
LogicalResult ExchangeDoneOp::replay(HostReplay &) { return failure(); } // its start has said why

//===--- start -------------------------------------------------------------------------------===//

LogicalResult StartOp::verify() {
  auto bytesOf = [](Value buffer) {
    auto type = cast<MemRefType>(buffer.getType());
    return type.hasStaticShape() ? denseBytes(type) : 0;
  };
  int64_t from = bytesOf(getFrom()), to = bytesOf(getTo()), bytes = getBytes(), total = getTotal();
  bool isCut = getCollective() == Collective::all_to_all, isJoined = getCollective() == Collective::all_gather;
  int64_t needsFrom = isJoined ? std::min(bytes, total) : total, needsTo = isCut ? bytes : total;
  if (bytes < 0 || total < 0 || from < needsFrom || to < needsTo) // start-c1
    return emitOpError("takes pieces of ") << bytes << " of " << total << " bytes from " << getFrom().getType()
                                           << " to " << getTo().getType() << ", which have not as many";
  return success();
}

//===--- Entries -----------------------------------------------------------------------------===//

/// Has each rank a group, which is of as many as the exchange has pieces for?
static LogicalResult verifyGroup(ExchangeStartOp start, int64_t ranks) {
  int64_t members = start.getMembers() ? start.getMembers() : ranks, together = members * start.getStride();
  if (ranks % together)
    return start.emitOpError("is among ") << members << " of " << together << " ranks, the program has " << ranks;
  if (start.getCollective() == Collective::all_to_all && typeOf(start.getY()).getDimSize(0) != members)
    return start.emitOpError("has rows for ")
           << typeOf(start.getY()).getDimSize(0)
           << (start.getMembers() ? " ranks, its groups have " : " ranks, the program has ") << members;
  return success();
}

/// Starts and ends of a block, where exchanges on `busy` lanes are under way around it.
static LogicalResult verifyLanes(Block &block, int64_t ranks, DenseMap<int64_t, Operation *> busy) {
  for (Operation &op : block) {
    if (auto start = dyn_cast<ExchangeStartOp>(op)) {
      if (Operation *other = busy.lookup(start.getLane())) {
        InFlightDiagnostic diag = start.emitOpError("takes lane ") << start.getLane() << ", which has one under way";
        diag.attachNote(other->getLoc()) << "this one";
        return diag;
      }
      if (failed(verifyGroup(start, ranks)))
        return failure();
      busy[start.getLane()] = start;
    } else if (auto done = dyn_cast<ExchangeDoneOp>(op)) {
      busy.erase(done.getStart().getLane());
    } else if (auto loop = dyn_cast<LoopOp>(op)) {
      if (failed(verifyLanes(loop.getBody().front(), ranks, busy)))
        return failure();
    }
  }
  return success();
}

LogicalResult mlir::nanochat::verifyExchanges(func::FuncOp entry) {
  ProgramOp program = getProgram(entry->getParentOfType<ModuleOp>());
  return verifyLanes(entry.getBody().front(), sizeOr(program, "ranks", 1), DenseMap<int64_t, Operation *>());
}
