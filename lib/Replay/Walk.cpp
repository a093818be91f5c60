#include "lib/Replay/Walk.h"
#include "dialect/Linalg.h"
#include "dialect/StepIR.h"
#include "lib/Targets/kernels/Kernel.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cstring>

using namespace mlir;
using namespace mlir::nanochat;

namespace {
class Walker : public HostReplay {
public:
  explicit Walker(RunDispatch run) : run(run) {}
  LogicalResult block(Block &block);
  SmallVector<Tensor> get(ValueRange range) const;
  void set(ValueRange range, ArrayRef<Tensor> tensors);

  void show(Value result, Value source) override;
  LogicalResult call(DispatchOp dispatch) override;
  LogicalResult iterate(LoopOp loop) override;
  void join(JoinOp join) override;

private:
  RunDispatch run;
  DenseMap<Value, Tensor> values;
};
} // namespace

SmallVector<Tensor> Walker::get(ValueRange range) const {
  return llvm::map_to_vector(range, [&](Value value) { return values.at(value); });
}

void Walker::set(ValueRange range, ArrayRef<Tensor> tensors) {
  for (auto [value, tensor] : llvm::zip_equal(range, tensors))
    values[value] = tensor;
}

LogicalResult Walker::block(Block &block) {
  for (Operation &op : block.without_terminator()) {
    auto host = dyn_cast<HostOpInterface>(op);
    if (!host)
      return op.emitOpError("cannot be replayed");
    if (failed(host.replay(*this)))
      return failure();
  }
  return success();
}

/// Elements of `from`, starting at byte `offset`, as a tensor of type `type`.
static Tensor part(const HostTensor &from, RankedTensorType type, int64_t offset = 0) {
  auto result = std::make_shared<HostTensor>(type);
  std::memcpy(result->data(), from.data() + offset, result->byteSize());
  return result;
}

void Walker::show(Value result, Value source) { values[result] = part(*values.at(source), typeOf(result)); }

LogicalResult Walker::call(DispatchOp dispatch) {
  auto results = run(dispatch, get(dispatch.getInputs()));
  if (failed(results))
    return failure();
  set(dispatch.getResults(), *results);
  return success();
}

LogicalResult Walker::iterate(LoopOp loop) {
  SmallVector<Tensor> carries = get(loop.getInits()), stacks;
  for (Value stack : loop.getStackResults())
    stacks.push_back(std::make_shared<HostTensor>(typeOf(stack)));
  int64_t count = loop.getCount(); // loops with a limit have neither slices nor stacks
  if (loop.getLimit())
    count = std::min(count, int64_t(values.at(loop.getLimit())->get(0)));
  for (int64_t n = 0; n < count; ++n) {
    int64_t i = loop.getReverse() ? count - 1 - n : n;
    set(ValueRange(loop.getCarryArgs()), carries);
    for (auto [arg, slice] : llvm::zip(loop.getSliceArgs(), loop.getSlices())) {
      values[arg] = part(*values.at(slice), typeOf(arg), (loop.getFirst() + i) * denseBytes(arg.getType()));
    }
    if (failed(block(loop.getBody().front())))
      return failure();
    YieldOp yield = loop.getYield();
    carries = get(yield.getValues());
    for (auto [stack, slice] : llvm::zip(stacks, get(yield.getStacks())))
      std::memcpy(stack->data() + i * slice->byteSize(), slice->data(), slice->byteSize());
  }
  set(loop.getCarryResults(), carries);
  set(loop.getStackResults(), stacks);
  return success();
}

void Walker::join(JoinOp join) {
  auto whole = std::make_shared<HostTensor>(typeOf(join.getWhole()));
  char *at = whole->data();
  for (const Tensor &part : get(join.getParts())) {
    std::memcpy(at, part->data(), part->byteSize());
    at += part->byteSize();
  }
  values[join.getWhole()] = whole;
}

FailureOr<SmallVector<Tensor>> mlir::nanochat::walkEntry(func::FuncOp entry, ArrayRef<Tensor> args, RunDispatch run) {
  Walker walker(run);
  Block &body = entry.getBody().front();
  walker.set(body.getArguments(), args);
  if (failed(walker.block(body)))
    return failure();
  return walker.get(body.getTerminator()->getOperands());
}

SmallVector<DispatchOp> mlir::nanochat::dispatchesOf(func::FuncOp entry) {
  SmallVector<DispatchOp> dispatches;
  entry.walk([&](DispatchOp op) { dispatches.push_back(op); });
  return dispatches;
}

std::optional<int64_t> mlir::nanochat::countCalls(func::FuncOp entry) {
  int64_t calls = 0;
  bool isFixed = true;
  entry.walk([&](LoopOp loop) { isFixed &= !loop.getLimit(); });
  entry.walk([&](DispatchOp op) {
    int64_t times = 1;
    for (auto loop = op->getParentOfType<LoopOp>(); loop; loop = loop->getParentOfType<LoopOp>())
      times *= loop.getCount();
    calls += times;
  });
  return isFixed ? std::optional(calls) : std::nullopt;
}

FailureOr<ReferenceKernels> ReferenceKernels::compile(ModuleOp fused, ArrayRef<DispatchOp> calls, MathFrom math) {
  OwningOpRef<ModuleOp> copy = fused.clone();
  SetVector<func::FuncOp> kernels;
  for (DispatchOp call : calls)
    kernels.insert(copy->lookupSymbol<func::FuncOp>(*call.getKernel()));
  for (func::FuncOp kernel : kernels) {
    for (Type type : llvm::concat<const Type>(kernel.getArgumentTypes(), kernel.getResultTypes()))
      if (!HostTensor::supports(cast<RankedTensorType>(type).getElementType()))
        return kernel.emitError("cannot be replayed on values of type ") << type;
    if (math == MathFrom::kernels && failed(expandMath(kernel)))
      return failure();
  }
  auto jit = compileReference(*copy, kernels.getArrayRef());
  if (failed(jit))
    return failure();
  ReferenceKernels result;
  result.jit = std::move(*jit);
  result.kernelCount = kernels.size();
  return result;
}

SmallVector<Tensor> ReferenceKernels::run(DispatchOp dispatch, ArrayRef<Tensor> inputs) const {
  SmallVector<Tensor> results;
  for (Value result : dispatch.getResults())
    results.push_back(std::make_shared<HostTensor>(typeOf(result)));
  SmallVector<uint64_t> words;
  for (ArrayRef<Tensor> tensors : {inputs, ArrayRef<Tensor>(results)})
    for (const Tensor &tensor : tensors)
      words.push_back(tensor->word());
  jit->call(*dispatch.getKernel(), words);
  return results;
}
