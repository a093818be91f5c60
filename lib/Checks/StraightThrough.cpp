#include "lib/Checks/StraightThrough.h"
#include "dialect/Nanochat.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::nanochat;

static unsigned countQuantisers(Operation *root) {
  unsigned count = 0;
  root->walk([&](StraightThroughOpInterface) { ++count; });
  return count;
}

bool mlir::nanochat::quantises(func::FuncOp func) { return countQuantisers(func) > 0; }

/// The ops of a block as they are now.
static SmallVector<Operation *> opsOf(Block &block) {
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  return ops;
}

/// Computes Q(z) − z after every quantiser in `block`; loops stack those of their bodies.
static SmallVector<Value> buildOffsets(IRRewriter &rewriter, Block &block) {
  SmallVector<Value> offsets;
  for (Operation *op : opsOf(block)) {
    if (auto quantiser = dyn_cast<StraightThroughOpInterface>(op)) {
      rewriter.setInsertionPointAfter(op);
      Value quantised = quantiser.buildDequantized(rewriter);
      offsets.push_back(arith::SubFOp::create(rewriter, op->getLoc(), quantised, op->getOperand(0)));
    } else if (auto loop = dyn_cast<LoopOp>(op)) {
      SmallVector<Value> inner = buildOffsets(rewriter, loop.getBody().front());
      LoopOp stacked = loop.appendStacks(rewriter, inner);
      llvm::append_range(offsets, stacked.getResults().take_back(inner.size()));
    }
  }
  return offsets;
}

void mlir::nanochat::rewriteToOffsets(func::FuncOp func) {
  IRRewriter rewriter(func.getContext());
  Block &body = func.getBody().front();
  SmallVector<Value> offsets = buildOffsets(rewriter, body);
  body.getTerminator()->setOperands(offsets);
  func.removeResAttrsAttr();
  func.setType(rewriter.getFunctionType(func.getArgumentTypes(), TypeRange(ValueRange(offsets))));
}

namespace {
/// Puts surrogates in the place of codes.
class Freezer {
public:
  explicit Freezer(MLIRContext *ctx) : rewriter(ctx) {}
  /// `offsets` are those of all quantisers in `block`, in order.
  LogicalResult freeze(Block &block, ArrayRef<Value> offsets);

private:
  LogicalResult freezeLoop(LoopOp loop, ArrayRef<Value> offsets);
  LogicalResult freezeReader(OnCodesOpInterface reader);

  IRRewriter rewriter;
  DenseMap<Value, Value> surrogates; // of codes
};
} // namespace

LogicalResult Freezer::freezeReader(OnCodesOpInterface reader) {
  rewriter.setInsertionPoint(reader);
  for (Value operand : reader->getOperands())
    if (getElementTypeOrSelf(operand).isInteger(8) && !surrogates.contains(operand))
      return reader.emitOpError("reads codes that no quantiser in sight makes; check its gradient on floats");
  Value value = reader.buildOnValues(rewriter, [&](Value codes) { return surrogates.lookup(codes); });
  rewriter.replaceOp(reader, value);
  return success();
}

LogicalResult Freezer::freezeLoop(LoopOp loop, ArrayRef<Value> offsets) {
  Block &body = loop.getBody().front();
  SmallVector<Value> slices(loop.getSlices()), inner;
  auto addSlice = [&](Value stack) -> Value {
    slices.push_back(stack);
    return body.addArgument(LoopOp::sliceOf(stack.getType()), loop.getLoc());
  };
  for (auto [arg, slice] : llvm::zip(llvm::to_vector(loop.getSliceArgs()), llvm::to_vector(loop.getSlices())))
    if (Value surrogate = surrogates.lookup(slice))
      surrogates[arg] = addSlice(surrogate);
  for (Value offset : offsets)
    inner.push_back(addSlice(offset));
  if (failed(freeze(body, inner)))
    return failure();
  YieldOp yield = loop.getYield();
  SmallVector<std::pair<unsigned, unsigned>> stacked; // results of codes and of their surrogates
  unsigned results = loop.getNumResults();
  for (auto [i, stack] : llvm::enumerate(llvm::to_vector(yield.getStacks())))
    if (Value surrogate = surrogates.lookup(stack)) {
      yield.getStacksMutable().append(surrogate);
      stacked.push_back({loop.getNumCarries() + i, results + stacked.size()});
    }
  LoopOp frozen = loop.rebuild(rewriter, loop.getInits(), slices);
  for (auto [codes, surrogate] : stacked)
    surrogates[frozen.getResult(codes)] = frozen.getResult(surrogate);
  rewriter.replaceOp(loop, frozen.getResults().take_front(results));
  return success();
}

LogicalResult Freezer::freeze(Block &block, ArrayRef<Value> offsets) {
  for (Operation *op : opsOf(block)) {
    if (auto quantiser = dyn_cast<StraightThroughOpInterface>(op)) {
      rewriter.setInsertionPointAfter(op);
      surrogates[op->getResult(0)] = quantiser.buildSurrogate(rewriter, offsets.front());
      offsets = offsets.drop_front();
    } else if (auto reader = dyn_cast<OnCodesOpInterface>(op)) {
      if (failed(freezeReader(reader)))
        return failure();
    } else if (auto loop = dyn_cast<LoopOp>(op)) {
      unsigned inside = countQuantisers(loop);
      if (failed(freezeLoop(loop, offsets.take_front(inside))))
        return failure();
      offsets = offsets.drop_front(inside);
    }
  }
  return success();
}

LogicalResult mlir::nanochat::freezeQuantisers(func::FuncOp func) {
  func::FuncOp probe = func.clone();
  rewriteToOffsets(probe);
  Block &body = func.getBody().front();
  SmallVector<Value> offsets;
  for (Type type : probe.getResultTypes())
    offsets.push_back(body.addArgument(type, func.getLoc()));
  probe->erase();
  SmallVector<DictionaryAttr> attrs;
  func.getAllArgAttrs(attrs);
  attrs.resize(body.getNumArguments(), DictionaryAttr::get(func.getContext()));
  func.setType(FunctionType::get(func.getContext(), body.getArgumentTypes(), func.getResultTypes()));
  func.setAllArgAttrs(attrs);
  return Freezer(func.getContext()).freeze(body, offsets);
}
