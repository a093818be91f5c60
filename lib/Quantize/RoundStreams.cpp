#include "dialect/Nanochat.h"
#include "dialect/ops/model/NamedLoops.h"
#include "lib/Quantize/Passes.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_ROUNDSTREAMSPASS
#include "lib/Quantize/Passes.h.inc"

namespace {
struct RoundStreamsPass : impl::RoundStreamsPassBase<RoundStreamsPass> {
  using RoundStreamsPassBase::RoundStreamsPassBase;

  void runOnOperation() override {
    for (auto model : getOperation().getOps<ModelOp>())
      for (StringRef choice : streams)
        if (failed(apply(model, choice)))
          return signalPassFailure();
  }

  static LogicalResult apply(ModelOp model, StringRef choice) {
    auto [name, format] = choice.split('=');
    auto fail = [&](const Twine &what, const Twine &wayOut) -> LogicalResult {
      InFlightDiagnostic diag = emitError(model.getLoc()) << "--stream=" << choice << ": " << what;
      diag.attachNote() << wayOut;
      return diag;
    };
    if (format != "bf16")
      return fail("expected loop=bf16", "for instance --stream=layers=bf16; there is no other format");
    FailureOr<SmallVector<LoopOp>> loops = findLoops(model, name, "--stream=" + choice);
    if (failed(loops))
      return failure();
    bool isRounded = false;
    for (LoopOp loop : *loops)
      for (unsigned k = 0; k < loop.getNumCarries(); ++k)
        isRounded |= round(loop, k);
    return isRounded ? success()
                     : fail("the loop carries no matrix of f32",
                            "streams are what a loop hands from layer to layer; see its carry(...)");
  }

  /// Has `loop` hand on its k-th value in bf16, if that is a matrix of f32: rounded at its start and by every
  /// iteration.
  static bool round(LoopOp loop, unsigned k) {
    BlockArgument arg = loop.getCarryArgs()[k];
    auto wide = cast<RankedTensorType>(arg.getType());
    if (wide.getRank() < 2 || !wide.getElementType().isF32())
      return false;
    OpBuilder b(loop);
    Type narrow = wide.clone(b.getBF16Type());
    auto rounded = [&](Value value) { return arith::TruncFOp::create(b, value.getLoc(), narrow, value).getResult(); };
    auto widened = [&](Value value) {
      Value number = arith::ExtFOp::create(b, value.getLoc(), wide, value);
      value.replaceAllUsesExcept(number, number.getDefiningOp());
    };
    loop.getInitsMutable()[k].set(rounded(loop.getInits()[k]));
    arg.setType(narrow);
    b.setInsertionPointToStart(arg.getOwner());
    widened(arg);
    YieldOp yield = loop.getYield();
    b.setInsertionPoint(yield);
    yield.getValuesMutable()[k].set(rounded(yield.getValues()[k]));
    loop.getResult(k).setType(narrow);
    b.setInsertionPointAfter(loop);
    widened(loop.getResult(k));
    return true;
  }
};
} // namespace
} // namespace mlir::nanochat
