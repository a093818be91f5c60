#include "lib/Targets/Passes.h"
#include "lib/Targets/Target.h"
#include "mlir/AsmParser/AsmParser.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_SETTARGETPASS
#include "lib/Targets/Passes.h.inc"

namespace {
struct SetTargetPass : impl::SetTargetPassBase<SetTargetPass> {
  using SetTargetPassBase::SetTargetPassBase;
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    FailureOr<Target> row = parseTarget(getOperation(), target);
    if (failed(row))
      return signalPassFailure();
    Attribute chosen = numerics.empty() ? row->numerics.toAttr(context)
                                        : parseAttribute("#nanochat.numerics<" + numerics.getValue() + ">", context);
    if (!chosen)
      return signalPassFailure();
    getOperation()->setAttr(kTargetAttr, TargetAttr::get(context, row->spell()));
    getOperation()->setAttr(kNumericsAttr, chosen);
  }
};
} // namespace
} // namespace mlir::nanochat
