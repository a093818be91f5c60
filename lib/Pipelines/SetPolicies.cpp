#include "dialect/Nanochat.h"
#include "dialect/ops/model/NamedLoops.h"
#include "dialect/ops/model/Sizes.h"
#include "lib/Pipelines/Passes.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_SETPOLICIESPASS
#include "lib/Pipelines/Passes.h.inc"

namespace {
struct SetPoliciesPass : impl::SetPoliciesPassBase<SetPoliciesPass> {
  using SetPoliciesPassBase::SetPoliciesPassBase;

  void runOnOperation() override {
    for (auto model : getOperation().getOps<ModelOp>()) {
      for (StringRef choice : recompute)
        if (failed(setRecompute(model, choice)))
          return signalPassFailure();
      if (chunk && failed(setChunk(model)))
        return signalPassFailure();
    }
  }

  static LogicalResult setRecompute(ModelOp model, StringRef choice) {
    auto [name, word] = choice.split('=');
    std::optional<Recompute> policy = symbolizeRecompute(word);
    if (!policy) {
      InFlightDiagnostic diag = emitError(model.getLoc())
                                << "--recompute=" << choice << ": expected loop=policy, and policies are "
                                << "nothing, cheap and body" << suggest(word, {"nothing", "cheap", "body"});
      diag.attachNote() << "for instance --recompute=layers=body";
      return diag;
    }
    FailureOr<SmallVector<LoopOp>> loops = findLoops(model, name, "--recompute=" + choice);
    if (failed(loops))
      return failure();
    for (LoopOp loop : *loops)
      loop.setRecompute(*policy);
    return success();
  }

  LogicalResult setChunk(ModelOp model) {
    bool found = false;
    model.walk([&](HeadOpInterface head) {
      head.setChunkRows(chunk);
      found = true;
    });
    if (found)
      return success();
    InFlightDiagnostic diag = emitError(model.getLoc()) << "--chunk=" << chunk << ": the model has no output head";
    diag.attachNote() << "leave it out";
    return diag;
  }
};
} // namespace
} // namespace mlir::nanochat
