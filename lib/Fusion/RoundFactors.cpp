#include "lib/Fusion/Passes.h"
#include "dialect/Linalg.h"
#include "dialect/StepIR.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_ROUNDFACTORSPASS
#include "lib/Fusion/Passes.h.inc"

namespace {
/// Is it a matrix product acc + x·y of f32 or f64 inputs?
bool isProduct(linalg::GenericOp op) {
  if (op.getNumReductionLoops() != 1 || op.getNumParallelLoops() < 2 || op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return false;
  auto sum = op.getBody()->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum || !isa<Float32Type, Float64Type>(sum.getType()))
    return false;
  auto isInput = [&](Value x) { return llvm::is_contained(op.getRegionInputArgs(), x); };
  return llvm::any_of(sum->getOperands(), [&](Value term) {
    auto product = term.getDefiningOp<arith::MulFOp>();
    return product && llvm::all_of(product->getOperands(), isInput);
  });
}

class Rounding {
public:
  /// The factor rounded to bf16, made right behind it; of the type it had where it stays `wide`.
  Value of(Value factor, bool wide) {
    Value &rounded = made[wide][factor];
    if (rounded)
      return rounded;
    OpBuilder builder(factor.getContext());
    builder.setInsertionPointAfterValue(factor);
    ImplicitLocOpBuilder b(factor.getLoc(), builder);
    auto type = cast<RankedTensorType>(factor.getType());
    rounded = pointwise(b, wide ? type : type.clone(b.getBF16Type()), {factor}, {b.getMultiDimIdentityMap(type.getRank())},
                        [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                          return wide ? roundToHalf(s, v[0]) : arith::TruncFOp::create(s, s.getBF16Type(), v[0]);
                        });
    return rounded;
  }

private:
  DenseMap<Value, Value> made[2];
};

struct RoundFactorsPass : impl::RoundFactorsPassBase<RoundFactorsPass> {
  using RoundFactorsPassBase::RoundFactorsPassBase;

  void runOnOperation() override {
    // What changes parameters is no pass over the model: it takes their factors as they are.
    if (EntryAttr entry = getEntry(getOperation()); entry && (entry.getKind() == EntryKind::update || entry.getKind() == EntryKind::phase))
      return;
    Rounding rounding;
    SmallVector<linalg::GenericOp> products;
    getOperation().walk([&](linalg::GenericOp op) {
      if (isProduct(op))
        products.push_back(op);
    });
    if (withinKernels)
      getOperation().walk([&](KernelOpInterface op) {
        for (OpOperand *factor : op.getFactors())
          factor->set(rounding.of(factor->get(), /*wide=*/getElementTypeOrSelf(factor->get()).isF64()));
        op.roundWithin();
      });
    for (linalg::GenericOp op : products)
      for (OpOperand *input : op.getDpsInputOperands()) {
        bool isF64 = getElementTypeOrSelf(input->get()).isF64();
        input->set(rounding.of(input->get(), /*wide=*/isF64));
        if (isF64)
          continue;
        BlockArgument element = op.getMatchingBlockArgument(input);
        element.setType(getElementTypeOrSelf(input->get()));
        OpBuilder b = OpBuilder::atBlockBegin(op.getBody());
        auto wide = arith::ExtFOp::create(b, op.getLoc(), b.getF32Type(), element);
        element.replaceAllUsesExcept(wide, wide);
      }
  }
};
} // namespace
} // namespace mlir::nanochat
