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
  return !factsOf(product.a.format).isDecoded() && !factsOf(product.b.format).isDecoded();
}

class Rounding {
public:
  /// The factor rounded to the format, made right behind it; of the type it had if that is f64.
  Value of(Value factor, Format format) {
    if (Value exact = widenedFrom(factor, format))
      return exact;
    Value &rounded = made[{factor, unsigned(format)}];
    if (rounded)
      return rounded;
    OpBuilder builder(factor.getContext());
    builder.setInsertionPointAfterValue(factor);
    ImplicitLocOpBuilder b(factor.getLoc(), builder);
    auto type = cast<RankedTensorType>(factor.getType());
    bool staysWide = type.getElementType().isF64();
    rounded = pointwise(b, staysWide ? type : withElement(type, factsOf(format).storage(b)), {factor},
                        {b.getMultiDimIdentityMap(type.getRank())}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
                          return staysWide ? roundTo(s, format, v[0]) : encode(s, format, v[0]);
                        });
    return rounded;
  }

private:
  /// What `factor` is a wider copy of, in the format; null if it is none.
  static Value widenedFrom(Value factor, Format format) {
    auto generic = factor.getDefiningOp<linalg::GenericOp>();
    if (!generic || generic.getNumDpsInputs() != 1 || generic.getNumReductionLoops() || generic->getNumResults() != 1 ||
        !llvm::all_of(generic.getIndexingMapsArray(), [](AffineMap map) { return map.isIdentity(); }))
      return Value();
    auto widen = dyn_cast<arith::ExtFOp>(generic.getBody()->front());
    Value narrow = generic.getDpsInputs()[0];
    bool isCopy = widen && generic.getBody()->getTerminator()->getOperand(0) == widen &&
                  widen.getIn() == generic.getBody()->getArgument(0);
    return isCopy && typeOf(narrow).getElementType().isBF16() && format == Format::bf16 ? narrow : Value();
  }

  DenseMap<std::pair<Value, unsigned>, Value> made;
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
      if (numerics.dense == Format::f32)
        return;
      if (auto product = matchProduct(op); product && isExact(*product))
        products.push_back(op);
    });
    if (numerics.attention != Format::f32)
      getOperation().walk([&](KernelOpInterface op) {
        for (OpOperand *factor : op.getFactors())
          factor->set(rounding.of(factor->get(), numerics.attention));
        op.roundWithin();
      });
    for (linalg::GenericOp op : products)
      for (OpOperand *input : op.getDpsInputOperands()) {
        input->set(rounding.of(input->get(), numerics.dense));
        BlockArgument element = op.getMatchingBlockArgument(input);
        Type exact = element.getType(), rounded = getElementTypeOrSelf(input->get());
        if (rounded == exact)
          continue;
        element.setType(rounded);
        ImplicitLocOpBuilder b(op.getLoc(), OpBuilder::atBlockBegin(op.getBody()));
        Value wide = decode(b, numerics.dense, element, exact);
        element.replaceAllUsesExcept(wide, wide.getDefiningOp());
      }
  }
};
} // namespace
} // namespace mlir::nanochat
