#include "dialect/StepIR.h"
#include "lib/Pipelines/Passes.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_SETSIZESPASS
#include "lib/Pipelines/Passes.h.inc"

namespace {
constexpr int64_t kLargestSize = std::numeric_limits<int32_t>::max();
/// 2^50: offsets of stacks stay far from overflow.
constexpr int64_t kMostElements = int64_t(1) << 50;

/// Infers the result types of the ops of `block` again, in order.
LogicalResult reinfer(Block &block) {
  for (Operation &op : block) {
    if (auto loop = dyn_cast<LoopOp>(op)) {
      for (auto [arg, init] : llvm::zip(loop.getCarryArgs(), loop.getInits())) {
        BlockArgument(arg).setType(init.getType());
        loop->getResult(arg.getArgNumber()).setType(init.getType());
      }
      for (auto [arg, slice] : llvm::zip(loop.getSliceArgs(), loop.getSlices()))
        BlockArgument(arg).setType(LoopOp::sliceOf(slice.getType()));
      if (failed(reinfer(loop.getBody().front())))
        return failure();
      for (auto [result, stack] : llvm::zip(loop.getStackResults(), loop.getYield().getStacks()))
        result.setType(loop.stackOf(stack.getType()));
      continue;
    }
    if (auto table = dyn_cast<RopeTableOp>(op)) { // no operand tells its element type
      auto type = RankedTensorType::get({int64_t(table.getSeq()), int64_t(table.getDim()) / 2},
                                        table.getCos().getType().getElementType());
      table.getCos().setType(type);
      table.getSin().setType(type);
      continue;
    }
    auto infer = dyn_cast<InferTypeOpInterface>(op);
    if (!infer)
      continue;
    SmallVector<Type> types;
    if (failed(infer.inferReturnTypes(op.getContext(), op.getLoc(), op.getOperands(), op.getDiscardableAttrDictionary(),
                                      op.getPropertiesStorage(), op.getRegions(), types)))
      return op.emitOpError("has no valid types for these sizes");
    for (auto [result, type] : llvm::zip(op.getResults(), types))
      result.setType(type);
  }
  return success();
}

struct SetSizesPass : impl::SetSizesPassBase<SetSizesPass> {
  using SetSizesPassBase::SetSizesPassBase;

  void runOnOperation() override {
    for (const std::string &size : sizes) {
      auto [name, text] = StringRef(size).split('=');
      int64_t value;
      if (text.getAsInteger(10, value) || value < 1 || value > kLargestSize) {
        emitError(getOperation().getLoc()) << "--set " << size << ": expected name=value with a whole number from 1 to " << kLargestSize;
        return signalPassFailure();
      }
      if (failed(set(name, value)))
        return signalPassFailure();
    }
    for (auto model : getOperation().getOps<ModelOp>())
      for (Region &region : model->getRegions())
        if (!region.empty() && (failed(reinfer(region.front())) || failed(checkElements(region.front(), 1))))
          return signalPassFailure();
    record();
  }

  /// Refuses what cannot be counted: tensors of no elements, or of more than kMostElements over `iterations` of the
  /// loops around.
  static LogicalResult checkElements(Block &block, int64_t iterations) {
    for (Operation &op : block) {
      for (Type type : op.getResultTypes()) {
        auto tensor = dyn_cast<RankedTensorType>(type);
        int64_t elements = iterations;
        bool isTooMany = tensor && llvm::any_of(tensor.getShape(), [&](int64_t size) {
          return llvm::MulOverflow(elements, size, elements) || elements > kMostElements;
        });
        if (elements == 0)
          return op.emitOpError("has a result ") << type << " without elements: every size is at least 1";
        if (isTooMany)
          return op.emitOpError("has a result ") << type << " in " << iterations << " iterations: no machine holds that many elements";
      }
      int64_t inside = iterations;
      if (auto loop = dyn_cast<LoopOp>(op)) {
        if (llvm::MulOverflow(inside, int64_t(loop.getCount()), inside) || inside > kMostElements)
          return op.emitOpError("runs ") << loop.getCount() << " times within " << iterations << " iterations: no program ends that";
        if (failed(checkElements(loop.getBody().front(), inside)))
          return failure();
      }
    }
    return success();
  }

  LogicalResult set(StringRef name, int64_t value) {
    Builder b(&getContext());
    bool found = false;
    getOperation().walk([&](Operation *op) {
      if (auto loop = dyn_cast<LoopOp>(op); loop && loop.getLoopName() == name) {
        loop.setCount(value);
        found = true;
      } else if (auto param = dyn_cast<ParamOp>(op); param && param.getStack() == name) {
        auto type = cast<RankedTensorType>(param.getType());
        SmallVector<int64_t> shape(type.getShape());
        shape[0] = value;
        param.getResult().setType(RankedTensorType::get(shape, type.getElementType()));
      } else if (auto last = dyn_cast<LastStepOp>(op); last && last.getLoopName() == name) {
        last.setCount(value);
        auto type = cast<RankedTensorType>(last.getType());
        last.getMask().setType(RankedTensorType::get({value}, type.getElementType()));
      } else if (op->getInherentAttr(name) && isa_and_nonnull<IntegerAttr>(*op->getInherentAttr(name))) {
        op->setInherentAttr(b.getStringAttr(name), b.getI64IntegerAttr(value));
        found = true;
      }
    });
    if (found)
      return success();
    InFlightDiagnostic diag = emitError(getOperation().getLoc()) << "--set " << name << "=" << value << ": the model has no size '" << name << "'";
    diag.attachNote() << "sizes are batch, seq, accum and the names of its loops";
    return diag;
  }

  /// Leaves the sizes in force on the module.
  void record() {
    Builder b(&getContext());
    NamedAttrList all;
    getOperation().walk([&](Operation *op) {
      if (auto loop = dyn_cast<LoopOp>(op))
        all.set(loop.getLoopName(), b.getI64IntegerAttr(loop.getCount()));
      if (auto tokens = dyn_cast<TokensOp>(op)) {
        all.set("batch", b.getI64IntegerAttr(tokens.getBatch()));
        all.set("seq", b.getI64IntegerAttr(tokens.getSeq()));
        all.set("accum", b.getI64IntegerAttr(tokens.getAccum()));
      }
    });
    getOperation()->setAttr(kSizesAttr, all.getDictionary(&getContext()));
  }
};
} // namespace
} // namespace mlir::nanochat
