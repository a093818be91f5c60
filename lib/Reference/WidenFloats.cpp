// From single to double precision.
#include "dialect/Numerics.h"
#include "lib/Reference/Passes.h"
#include "mlir/IR/AttrTypeSubElements.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_WIDENFLOATSPASS
#include "lib/Reference/Passes.h.inc"

static llvm::APFloat widened(llvm::APFloat value) {
  bool loses;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &loses);
  return value;
}

void widenFloats(Operation *root) {
  Type wide = Float64Type::get(root->getContext());
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](Float32Type) { return std::make_pair(wide, WalkResult::skip()); });
  replacer.addReplacement([&](FloatAttr attr) -> std::optional<std::pair<Attribute, WalkResult>> {
    if (!attr.getType().isF32())
      return std::nullopt;
    return std::make_pair(Attribute(FloatAttr::get(wide, widened(attr.getValue()))), WalkResult::skip());
  });
  replacer.addReplacement([&](DenseElementsAttr attr) -> std::optional<std::pair<Attribute, WalkResult>> {
    if (!attr.getElementType().isF32())
      return std::nullopt;
    auto values = cast<DenseFPElementsAttr>(attr).mapValues(
        wide, [](const llvm::APFloat &value) { return widened(value).bitcastToAPInt(); });
    return std::make_pair(Attribute(values), WalkResult::skip());
  });
  replacer.recursivelyReplaceElementsIn(root, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
  // Conversions between f32 and f64 convert nothing any more.
  root->walk([](Operation *op) {
    if (isa<arith::ExtFOp, arith::TruncFOp>(op) && op->getOperand(0).getType() == op->getResult(0).getType()) {
      op->getResult(0).replaceAllUsesWith(op->getOperand(0));
      op->erase();
    }
  });
}

namespace {
struct WidenFloatsPass : impl::WidenFloatsPassBase<WidenFloatsPass> {
  void runOnOperation() override {
    if (Numerics::of(getOperation()).floats == Format::f64)
      widenFloats(getOperation());
  }
};
} // namespace
} // namespace mlir::nanochat
