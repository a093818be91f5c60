// Codes change their layout where they are made; those of weights with all values they reach: stacks of the loop that
// makes them, slices of the loops that read those.
#include "dialect/Linalg.h"
#include "dialect/ops/quantize/Quantize.h"
#include "lib/Optimize/Passes.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "lib/Optimize/Passes.h.inc"

namespace {
/// The values that codes reach, if all that reads them can read panels.
class Reached {
public:
  /// Collects what holds `codes` or stacks of them; fails where something else reads one.
  LogicalResult collect(Value codes, unsigned stacked) {
    for (OpOperand &use : codes.getUses())
      if (failed(follow(use, stacked)))
        return failure();
    return success();
  }
  /// Gives all of them the layout of `panels`.
  void setTypes(RankedTensorType panels) {
    for (auto [value, stacked] : values) {
      auto shape = typeOf(value).getShape().take_front(stacked);
      SmallVector<int64_t> whole(shape);
      llvm::append_range(whole, panels.getShape());
      value.setType(withShape(panels, whole));
    }
  }

private:
  LogicalResult follow(OpOperand &use, unsigned stacked) {
    Operation *user = use.getOwner();
    unsigned number = use.getOperandNumber();
    auto next = [&](Value value, unsigned depth) {
      values.push_back({value, depth});
      return collect(value, depth);
    };
    if (auto product = dyn_cast<BlockMatmulOp>(user)) // b without scales is weights
      return success(stacked == 0 && &use == &product.getBMutable() && !product.getBScales());
    if (isa<TernaryMatmulOp, TernaryInputGradOp, DequantizeWeightOp>(user))
      return success(stacked == 0);
    if (auto yield = dyn_cast<YieldOp>(user)) {
      auto loop = cast<LoopOp>(yield->getParentOp());
      return number < loop.getNumCarries() ? failure() : next(loop.getResult(number), stacked + 1);
    }
    auto loop = dyn_cast<LoopOp>(user);
    if (!loop || number < loop.getNumCarries() || stacked == 0)
      return failure();
    return next(loop.getBody().getArgument(number), stacked - 1);
  }

  SmallVector<std::pair<Value, unsigned>> values; // and how many dimensions of stacks they have
};

struct PackWeightsPass : impl::PackWeightsPassBase<PackWeightsPass> {
  void runOnOperation() override {
    getOperation().walk([](TernarizeOp op) { pack(op.getT(), op.getGamma()); });
    getOperation().walk([](TernarizeByOp op) { pack(op.getT(), op.getGamma()); });
    getOperation().walk(packCodes);
  }

  /// Codes of weights are packed behind what makes them.
  static void pack(Value codes, Value gamma) {
    auto type = typeOf(codes);
    bool fits = type.getDimSize(0) % kPanelRows == 0 && type.getDimSize(1) % kWord == 0;
    Reached reached;
    if (!fits || typeOf(gamma).getRank() || failed(reached.collect(codes, 0)))
      return;
    OpBuilder b(codes.getContext());
    b.setInsertionPointAfterValue(codes);
    auto pack = PackPanelsOp::create(b, codes.getLoc(), codes);
    codes.replaceAllUsesExcept(pack.getP(), pack);
    reached.setTypes(pack.getP().getType());
  }

  /// Codes that a product sums over by rows are quantised to the order in which it reads them.
  static void packCodes(BlockMatmulOp op) {
    auto quantizer = op.getB().getDefiningOp<QuantizeFp4Op>();
    if (!quantizer || op.getTransB() || quantizer.getAxis() != 0 || !quantizer.getCodes().hasOneUse() ||
        typeOf(quantizer.getX()).getDimSize(1) % kPanelRows)
      return;
    OpBuilder b(quantizer);
    auto packed = QuantizeFp4Op::create(b, quantizer.getLoc(), quantizer.getFormat(), quantizer.getX(), /*axis=*/0,
                                        quantizer.getScale(), quantizer.getRun(), /*packed=*/false, /*panels=*/true,
                                        quantizer.getTensorScale(), quantizer.getDraws());
    quantizer.getScales().replaceAllUsesWith(packed.getScales());
    op.getBMutable().assign(packed.getCodes());
    op.setTransB(true);
    quantizer.erase();
  }
};
} // namespace
} // namespace mlir::nanochat
