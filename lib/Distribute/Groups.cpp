#include "lib/Distribute/Groups.h"
#include "dialect/Linalg.h"

using namespace mlir;
using namespace mlir::nanochat;

void mlir::nanochat::numberRanks(func::FuncOp entry) {
  SmallVector<GroupRankOp> numbers;
  entry.walk([&](GroupRankOp number) { numbers.push_back(number); });
  for (GroupRankOp number : numbers) {
    auto integer = cast<RankedTensorType>(number.getRank().getType());
    Value rank = argumentOf(entry, integer, BindAttr::get(entry.getContext(), BindingKind::input, "rank"));
    ImplicitLocOpBuilder b(number.getLoc(), number);
    Value among = constant(b, integer, double(number.getAmong()));
    number.getRank().replaceAllUsesWith(arith::RemSIOp::create(b, rank, among).getResult());
    number.erase();
  }
}

JoinedGradients::JoinedGradients(Operation *end, ArrayRef<unsigned> gradients) : end(end) {
  for (unsigned number : gradients)
    if (auto join = end->getOperand(number).getDefiningOp<JoinPartsOp>())
      joined.push_back({number, typeOf(join.getX()), int64_t(join.getDim()), int64_t(join.getAmong())});
  for (const Joined &gradient : joined)
    if (auto join = end->getOperand(gradient.result).getDefiningOp<JoinPartsOp>()) { // of several results, the first
      join.getX().replaceAllUsesWith(join.getPart());
      join.erase();
    }
}

void JoinedGradients::join() {
  for (const Joined &gradient : joined) {
    Value part = end->getOperand(gradient.result);
    ImplicitLocOpBuilder b(part.getLoc(), end->getContext());
    b.setInsertionPointAfterValue(part);
    end->setOperand(gradient.result, JoinPartsOp::create(b, gradient.whole, part, gradient.dim, gradient.among));
  }
}

void mlir::nanochat::groupExchanges(ModuleOp module, const Partition &parts) {
  if (parts.tensor > 1)
    module.walk([&](ExchangeStartOp start) {
      if (start.getMembers())
        return;
      start.setMembers(parts.ranks);
      start.setStride(parts.tensor);
    });
}
