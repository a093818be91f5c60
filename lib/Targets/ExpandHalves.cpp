#include "lib/Targets/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_EXPANDHALVESPASS
#include "lib/Targets/Passes.h.inc"

namespace {
struct ExpandHalvesPass : impl::ExpandHalvesPassBase<ExpandHalvesPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    arith::populateExpandBFloat16Patterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace mlir::nanochat
