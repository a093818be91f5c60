#include "lib/Targets/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_STORESINGLELANESPASS
#include "lib/Targets/Passes.h.inc"

namespace {
struct StoreSingleLanesPass : impl::StoreSingleLanesPassBase<StoreSingleLanesPass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](vector::MaskedStoreOp op) {
      auto mask = op.getMask().getDefiningOp<vector::ConstantMaskOp>();
      if (!mask || mask.getMaskDimSizes() != ArrayRef<int64_t>{1})
        return;
      rewriter.setInsertionPoint(op);
      Value lane = vector::ExtractOp::create(rewriter, op.getLoc(), op.getValueToStore(), int64_t(0));
      rewriter.replaceOpWithNewOp<memref::StoreOp>(op, lane, op.getBase(), op.getIndices());
    });
  }
};
} // namespace
} // namespace mlir::nanochat
