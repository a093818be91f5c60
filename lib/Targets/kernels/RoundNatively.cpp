#include "lib/Targets/kernels/Kernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace {
/// Vectors of f32 to bf16: one instruction for a whole vector, one for two.
struct RoundNatively : OpRewritePattern<arith::TruncFOp> {
  RoundNatively(MLIRContext *context, int64_t lanes) : OpRewritePattern(context), lanes(lanes) {}
  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type || !type.getElementType().isBF16() ||
        (type.getNumElements() != lanes && type.getNumElements() != 2 * lanes))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    bool isPair = type.getNumElements() > lanes;
    auto slice = [&](int64_t first) -> Value {
      return vector::ExtractStridedSliceOp::create(b, op.getIn(), ArrayRef<int64_t>{first}, ArrayRef<int64_t>{lanes},
                                                   ArrayRef<int64_t>{1});
    };
    SmallVector<Value> parts{op.getIn()};
    if (isPair) // the upper half comes first
      parts = {slice(lanes), slice(0)};
    std::string name = isPair ? "llvm.x86.avx512bf16.cvtne2ps2bf16." : "llvm.x86.avx512bf16.cvtneps2bf16.";
    name += std::to_string(lanes * 32);
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(op, type, rewriter.getStringAttr(name), parts);
    return success();
  }
  int64_t lanes;
};
} // namespace

LogicalResult nanochat::roundNatively(func::FuncOp kernel, const CpuFacts &facts) {
  RewritePatternSet patterns(kernel.getContext());
  patterns.add<RoundNatively>(kernel.getContext(), facts.vectorBits / 32);
  return applyPatternsGreedily(kernel, std::move(patterns));
}
