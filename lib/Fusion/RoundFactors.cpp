#include "dialect/Linalg.h"
#include "dialect/MatrixProduct.h"
#include "dialect/Numerics.h"
#include "dialect/StepIR.h"
#include "lib/Fusion/Passes.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_ROUNDFACTORSPASS
#include "lib/Fusion/Passes.h.inc"

namespace {
/// Has the product factors to round?
bool isExact(const MatrixProduct &product) {
  auto isFloat = [](const Factor &factor) { return factor.format == Format::f32 || factor.format == Format::f64; };
  return isFloat(product.a) && isFloat(product.b);
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
    rounded =
        pointwise(b, wide ? type : type.clone(b.getBF16Type()), {factor}, {b.getMultiDimIdentityMap(type.getRank())},
                  [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                    return wide ? roundToHalf(s, v[0]) : arith::TruncFOp::create(s, s.getBF16Type(), v[0]);
                  });
    return rounded;
  }

private:
  DenseMap<Value, Value> made[2];
};

struct RoundFactorsPass : impl::RoundFactorsPassBase<RoundFactorsPass> {
  void runOnOperation() override {
    // What changes parameters is no pass over the model: it takes their factors as they are.
    if (EntryAttr entry = getEntry(getOperation());
        entry && (entry.getKind() == EntryKind::update || entry.getKind() == EntryKind::phase))
      return;
    Numerics numerics = Numerics::of(getOperation());
    Rounding rounding;
    SmallVector<linalg::GenericOp> products;
    getOperation().walk([&](linalg::GenericOp op) {
      if (numerics.dense != Format::bf16)
        return;
      if (auto product = matchProduct(op); product && isExact(*product))
        products.push_back(op);
    });
    if (numerics.attention == Format::bf16)
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
