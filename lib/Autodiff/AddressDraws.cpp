#include "dialect/Linalg.h"
#include "dialect/StepIR.h"
#include "lib/Autodiff/Passes.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_ADDRESSDRAWSPASS
#include "lib/Autodiff/Passes.h.inc"

namespace {
/// The draws of one entry.
class Addresses {
public:
  explicit Addresses(func::FuncOp entry)
      : b(entry.getLoc(), entry.getContext()), integer(RankedTensorType::get({}, b.getI32Type())) {
    auto input = [&](Type type, StringRef name) {
      return argumentOf(entry, type, BindAttr::get(entry.getContext(), BindingKind::input, name));
    };
    seed = input(RankedTensorType::get({2}, b.getI32Type()), kSeedInput);
    Value number = input(RankedTensorType::get({}, b.getF32Type()), "step");
    b.setInsertionPointToStart(&entry.front());
    step = arith::FPToSIOp::create(b, integer, number);
  }

  void replace(DrawsOp op) {
    SmallVector<LoopOp> loops;
    for (auto loop = op->getParentOfType<LoopOp>(); loop; loop = loop->getParentOfType<LoopOp>())
      loops.push_back(loop);
    b.setLoc(op.getLoc());
    b.setInsertionPoint(op);
    Value iteration = constant(b, integer, 0);
    for (LoopOp loop : llvm::reverse(loops)) {
      Value before = arith::MulIOp::create(b, iteration, constant(b, integer, loop.getCount()));
      iteration = arith::AddIOp::create(b, before, count(loop));
    }
    op.getResult().replaceAllUsesWith(RandomAddressOp::create(b, seed, iteration, step, op.getSite()));
    op.erase();
  }

private:
  /// The number of the iteration, in the body.
  Value count(LoopOp loop) {
    Value &number = counts[loop];
    if (number)
      return number;
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(loop);
    loop.getSlicesMutable().append(risingNumbers(b, loop.getCount()));
    return number = loop.getBody().addArgument(integer, loop.getLoc());
  }

  ImplicitLocOpBuilder b;
  RankedTensorType integer;
  Value seed, step;
  DenseMap<Operation *, Value> counts;
};

struct AddressDrawsPass : impl::AddressDrawsPassBase<AddressDrawsPass> {
  void runOnOperation() override {
    for (func::FuncOp entry : getEntries(getOperation())) {
      SmallVector<DrawsOp> draws;
      entry.walk([&](DrawsOp op) { draws.push_back(op); });
      if (draws.empty())
        continue;
      Addresses addresses(entry);
      for (DrawsOp op : draws)
        addresses.replace(op);
    }
  }
};
} // namespace
} // namespace mlir::nanochat
