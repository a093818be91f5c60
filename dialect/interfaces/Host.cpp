// What may stand in an entry once its compute ops are in dispatches: dispatches, loops around them, and views.
#include "dialect/StepIR.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

void DispatchOp::place(HostPlaces &places) { places.write(*this, getInplace()); }
void DispatchOp::emit(HostCode &code) { code.launch(*this, getKernelAttr()); }
LogicalResult DispatchOp::replay(HostReplay &replay) { return replay.call(*this); }

void LoopOp::place(HostPlaces &places) { places.iterate(*this); }
void LoopOp::emit(HostCode &code) { code.iterate(*this); }
LogicalResult LoopOp::replay(HostReplay &replay) { return replay.iterate(*this); }

namespace {
template <typename Op> struct ViewModel : HostOpInterface::ExternalModel<ViewModel<Op>, Op> {
  void place(Operation *op, HostPlaces &places) const { places.show(op->getResult(0), op->getOperand(0)); }
  void emit(Operation *, HostCode &) const {}
  LogicalResult replay(Operation *op, HostReplay &replay) const {
    replay.show(op->getResult(0), op->getOperand(0));
    return success();
  }
  bool isView(Operation *) const { return true; }
};
} // namespace

void mlir::nanochat::registerViewModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *ctx, tensor::TensorDialect *) {
    tensor::ExpandShapeOp::attachInterface<ViewModel<tensor::ExpandShapeOp>>(*ctx);
    tensor::CollapseShapeOp::attachInterface<ViewModel<tensor::CollapseShapeOp>>(*ctx);
  });
}

bool mlir::nanochat::isView(Operation *op) {
  auto host = dyn_cast<HostOpInterface>(op);
  return host && host.isView();
}

Value mlir::nanochat::stripViews(Value value) {
  for (Operation *def = value.getDefiningOp(); def && isView(def); def = value.getDefiningOp())
    value = def->getOperand(0);
  return value;
}

static LogicalResult verifyHostOps(Block &block) {
  for (Operation &op : block.without_terminator()) {
    if (!isa<HostOpInterface>(op)) {
      InFlightDiagnostic diag = op.emitOpError("cannot stand in an entry when its tensors get their places");
      diag.attachNote() << "what can are dispatches, loops, exchanges and views (HostOpInterface): "
                           "--nanochat-form-dispatches puts other ops into dispatches";
      return diag;
    }
    if (auto loop = dyn_cast<LoopOp>(op); loop && failed(verifyHostOps(loop.getBody().front())))
      return failure();
  }
  return success();
}

LogicalResult mlir::nanochat::verifyHostOps(func::FuncOp entry) { return ::verifyHostOps(entry.getBody().front()); }
