#include "lib/Targets/kernels/Kernel.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

LogicalResult nanochat::expandMath(func::FuncOp kernel) {
  RewritePatternSet patterns(kernel.getContext());
  populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
    return llvm::is_contained({"math.exp", "math.log", "math.log1p", "math.tanh", "math.erf",
                               "math.sin", "math.cos", "math.expm1"}, name);
  });
  return applyPatternsGreedily(kernel, std::move(patterns));
}
