// From tensors to buffers, without any function boundary for upstream's analysis to guess at.
//
// All shapes are static and loops carry their values in place, so no buffer outlives the iteration
// that allocates it: every allocation moves to the function's entry and is freed at its end.
#include "lib/Reference/Passes.h"
#include "lib/Targets/Target.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_BUFFERIZEPASS
#include "lib/Reference/Passes.h.inc"

static MemRefType bufferOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return MemRefType::get(tensor.getShape(), tensor.getElementType());
}

/// Turns tensor arguments into read-only buffers and tensor results into buffers to fill.
static LogicalResult passBuffers(func::FuncOp func, IRRewriter &rewriter) {
  Block &entry = func.getBody().front();
  auto ret = cast<func::ReturnOp>(entry.getTerminator());
  for (Type type : llvm::concat<const Type>(func.getArgumentTypes(), func.getResultTypes()))
    if (auto tensor = dyn_cast<RankedTensorType>(type); tensor && !tensor.hasStaticShape())
      return func.emitError("cannot run a function on ") << tensor << ": shapes must be static";
  for (Type type : func.getResultTypes())
    if (!isa<RankedTensorType>(type))
      return func.emitError("cannot run a function that returns ") << type << "; return a tensor";
  rewriter.setInsertionPointToStart(&entry);
  for (BlockArgument arg : entry.getArguments()) {
    Type type = arg.getType();
    if (!isa<RankedTensorType>(type))
      continue;
    arg.setType(bufferOf(type));
    auto tensor = bufferization::ToTensorOp::create(rewriter, arg.getLoc(), type, arg,
                                                    /*restrict=*/true, /*writable=*/false);
    rewriter.replaceAllUsesExcept(arg, tensor, tensor);
  }
  rewriter.setInsertionPoint(ret);
  for (Value value : ret.getOperands()) {
    BlockArgument out = entry.addArgument(bufferOf(value.getType()), ret.getLoc());
    bufferization::MaterializeInDestinationOp::create(rewriter, ret.getLoc(), TypeRange(), value, out,
                                                      /*restrict=*/true, /*writable=*/true);
  }
  ret.getOperandsMutable().clear();
  func.removeArgAttrsAttr();
  func.removeResAttrsAttr();
  func.setType(rewriter.getFunctionType(entry.getArgumentTypes(), {}));
  return success();
}

/// The operand whose buffer `value` may live in; null where it is new.
static Value bufferSource(Value value) {
  auto result = dyn_cast<OpResult>(value);
  if (!result)
    return Value();
  Operation *op = result.getOwner();
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return loop.getInits()[result.getResultNumber()];
  if (auto written = dyn_cast<DestinationStyleOpInterface>(op))
    return written.getTiedOpOperand(result)->get();
  if (isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(op))
    return op->getOperand(0);
  return Value();
}

/// Is `value` what insertions make of `arg`, in its own buffer? Only slices of it may be read besides.
static bool updates(Value value, Value arg) {
  while (value && value != arg) {
    Operation *op = value.getDefiningOp();
    if (!isa_and_nonnull<tensor::InsertSliceOp, tensor::InsertOp, scf::ForOp>(op))
      return false;
    value = bufferSource(value);
    for (Operation *user : value.getUsers())
      if (user != op && !isa<tensor::ExtractSliceOp, tensor::ExtractOp>(user))
        return false;
  }
  return value == arg;
}

/// Makes loops write carried tensors back into the buffers they came in. What may live in the buffer
/// of an argument is copied first: arguments may change places.
static void carryInPlace(func::FuncOp func, IRRewriter &rewriter) {
  func.walk([&](scf::ForOp loop) {
    auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
    Location loc = yield.getLoc();
    rewriter.setInsertionPoint(yield);
    SmallVector<std::pair<OpOperand *, Value>> writes;
    for (auto [arg, use] : llvm::zip(loop.getRegionIterArgs(), yield->getOpOperands())) {
      if (!isa<RankedTensorType>(arg.getType()) || updates(use.get(), arg))
        continue;
      Value source = use.get();
      while (Value next = bufferSource(source))
        source = next;
      if (isa<BlockArgument>(source))
        use.set(bufferization::AllocTensorOp::create(rewriter, loc, cast<RankedTensorType>(arg.getType()), ValueRange(),
                                                     use.get()));
      writes.push_back({&use, arg});
    }
    for (auto [use, arg] : writes)
      use->set(bufferization::MaterializeInDestinationOp::create(rewriter, loc, use->get(), arg).getResult());
  });
}

/// Fills for splat constants: a loop costs nothing here, a global of the tensor's size does.
static void fillSplats(func::FuncOp func, IRRewriter &rewriter) {
  func.walk([&](arith::ConstantOp op) {
    auto type = dyn_cast<RankedTensorType>(op.getType());
    auto splat = dyn_cast<SplatElementsAttr>(op.getValue());
    if (!type || !splat)
      return;
    rewriter.setInsertionPoint(op);
    Value scalar = arith::ConstantOp::create(rewriter, op.getLoc(), splat.getSplatValue<TypedAttr>());
    Value empty = tensor::EmptyOp::create(rewriter, op.getLoc(), type.getShape(), type.getElementType());
    rewriter.replaceOp(op, linalg::FillOp::create(rewriter, op.getLoc(), scalar, empty).getResults());
  });
}

/// A temporary that only ends up in an output is that output, unless the output shares memory with an input.
static LogicalResult fillOutputs(func::FuncOp func, IRRewriter &rewriter) {
  // Canonical loops carry no buffers: what they fill is seen to be one allocation.
  PassManager pm(func.getContext(), func::FuncOp::getOperationName());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createCanonicalizerPass());
  if (failed(pm.run(func)))
    return failure();
  KernelAttr kernel = getKernel(func);
  ArrayRef<int64_t> inplace = kernel ? kernel.getOverwritten() : ArrayRef<int64_t>();
  unsigned inputs = func.getNumArguments() - inplace.size();
  for (auto copy : llvm::make_early_inc_range(func.getOps<memref::CopyOp>())) {
    auto out = dyn_cast<BlockArgument>(copy.getTarget());
    auto from = copy.getSource().getDefiningOp<memref::AllocOp>();
    if (inplace.empty() || !from || !out || !out.hasOneUse() || out.getArgNumber() < inputs ||
        inplace[out.getArgNumber() - inputs] >= 0)
      continue;
    rewriter.eraseOp(copy);
    rewriter.replaceOp(from, out);
  }
  return success();
}

/// Moves all allocations to the entry and frees them at the end.
static LogicalResult hoistAllocations(func::FuncOp func, IRRewriter &rewriter) {
  Block &entry = func.getBody().front();
  SmallVector<memref::AllocOp> allocs;
  func.walk([&](memref::AllocOp op) { allocs.push_back(op); });
  for (memref::AllocOp alloc : llvm::reverse(allocs)) {
    if (!alloc.getType().hasStaticShape())
      return alloc.emitOpError("has no static shape");
    rewriter.moveOpBefore(alloc, &entry, entry.begin());
    rewriter.setInsertionPoint(entry.getTerminator());
    memref::DeallocOp::create(rewriter, alloc.getLoc(), alloc);
  }
  return success();
}

LogicalResult bufferizeFunction(func::FuncOp func) {
  IRRewriter rewriter(func.getContext());
  if (func.isExternal())
    return success();
  if (failed(passBuffers(func, rewriter)))
    return failure();
  fillSplats(func, rewriter);
  carryInPlace(func, rewriter);
  bufferization::OneShotBufferizationOptions options;
  bufferization::BufferizationState state;
  if (failed(bufferization::runOneShotBufferize(func, options, state)) || failed(fillOutputs(func, rewriter)))
    return failure();
  func.walk([&](memref::CopyOp copy) {
    rewriter.setInsertionPoint(copy);
    linalg::makeMemRefCopyOp(rewriter, copy.getLoc(), copy.getSource(), copy.getTarget());
    rewriter.eraseOp(copy);
  });
  return hoistAllocations(func, rewriter);
}

namespace {
struct BufferizePass : impl::BufferizePassBase<BufferizePass> {
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (failed(bufferizeFunction(func)))
        return signalPassFailure();
  }
};
} // namespace
} // namespace mlir::nanochat
