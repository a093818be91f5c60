#include "lib/Distribute/Ways.h"
#include "dialect/Linalg.h"
#include "dialect/ops/quantize/Blocks.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "runtime/Abi.h"

using namespace mlir;
using namespace mlir::nanochat;

Partition Partition::of(ProgramOp program) {
  int64_t tensor = sizeOr(program, "tensor", 1);
  return {sizeOr(program, "ways", 1), sizeOr(program, "ranks", 1) / tensor, tensor};
}

/// Is it an input that the runtime writes with each batch?
static bool isOfBatch(BindAttr binding) {
#define NC_BATCH_INPUT(name, when)                                                                                     \
  if (when == NC_OF_BATCH && binding.getTensorName() == name)                                                          \
    return true;
  if (binding.getKind() == BindingKind::input) {
    NC_INPUTS(NC_BATCH_INPUT)
  }
#undef NC_BATCH_INPUT
  return false;
}

static bool readsAny(Operation *op, const DenseSet<Value> &values) {
  return llvm::any_of(readBy(op), [&](Value value) { return values.contains(value); });
}

namespace {
/// The ops of an entry that work on its batch: what results of it need, in order.
class BatchWork {
public:
  BatchWork(func::FuncOp entry, const BatchResults &results) : block(entry.getBody().front()) {
    for (BlockArgument arg : entry.getArguments())
      if (isOfBatch(getArgBinding(entry, arg.getArgNumber())))
        inputs.push_back(arg);
    for (ArrayRef<unsigned> numbers :
         {ArrayRef(results.gradients), ArrayRef(results.scalars), ArrayRef(results.perToken)})
      for (unsigned number : numbers)
        outputs.push_back(block.getTerminator()->getOperand(number));
    DenseSet<Value> derived(inputs.begin(), inputs.end());
    for (Operation &op : block.without_terminator())
      if (readsAny(&op, derived))
        derived.insert_range(op.getResults());
    DenseSet<Value> wanted(outputs.begin(), outputs.end());
    for (Operation &op : llvm::reverse(block.without_terminator())) {
      auto isIn = [&](const DenseSet<Value> &set) {
        return llvm::any_of(op.getResults(), [&](Value result) { return set.contains(result); });
      };
      if (!isIn(wanted) || !isIn(derived))
        continue;
      ops.insert(&op);
      wanted.insert_range(readBy(&op));
    }
    ops = llvm::SetVector<Operation *>(ops.rbegin(), ops.rend());
  }

  /// Addresses of what is drawn for the batch: in its loops, or in front of them.
  SmallVector<RandomAddressOp> draws() const {
    SmallVector<RandomAddressOp> found;
    for (Operation *op : ops) {
      op->walk([&](RandomAddressOp address) { found.push_back(address); });
      for (Value value : readBy(op))
        if (auto address = value.getDefiningOp<RandomAddressOp>();
            address && address->getBlock() == &block && !llvm::is_contained(found, address))
          found.push_back(address);
    }
    return found;
  }

  /// What comes behind the work, in order.
  SmallVector<Operation *> followers() const {
    DenseSet<Value> made;
    for (Operation *op : ops)
      made.insert_range(op->getResults());
    SmallVector<Operation *> found;
    for (Operation &op : block.without_terminator())
      if (!ops.contains(&op) && readsAny(&op, made)) {
        found.push_back(&op);
        made.insert_range(op.getResults());
      }
    return found;
  }

  Block &block;
  SmallVector<BlockArgument> inputs;
  SmallVector<Value> outputs;
  llvm::SetVector<Operation *> ops;
};
} // namespace

BatchResults mlir::nanochat::resultsOfBatch(func::FuncOp entry) {
  BatchResults results;
  Block &block = entry.getBody().front();
  DenseSet<Value> fromNorms;
  for (Operation &op : block.without_terminator())
    if (isa<GradNormOp>(op) || readsAny(&op, fromNorms))
      fromNorms.insert_range(op.getResults());
  for (OpOperand &value : block.getTerminator()->getOpOperands()) {
    unsigned number = value.getOperandNumber();
    BindingKind kind = getResultBinding(entry, number).getKind();
    bool isNumber = typeOf(value.get()).getRank() == 0 && isa<FloatType>(getElementTypeOrSelf(value.get()));
    if (kind == BindingKind::gradient)
      results.gradients.push_back(number);
    else if (kind == BindingKind::output && !fromNorms.contains(value.get()))
      (isNumber ? results.scalars : results.perToken).push_back(number);
  }
  return results;
}

/// The draws of way `way` are those of the iterations behind those of the ways before it.
static void addressWay(RandomAddressOp address, Value way) {
  ImplicitLocOpBuilder b(address.getLoc(), address);
  int64_t iterations = 1;
  for (auto loop = address->getParentOfType<LoopOp>(); loop; loop = loop->getParentOfType<LoopOp>())
    iterations *= loop.getCount();
  Value first = arith::MulIOp::create(b, way, constant(b, way.getType(), double(iterations)));
  address.getIterationMutable().assign(arith::AddIOp::create(b, address.getIteration(), first));
}

/// The first way of this rank, at `b`.
static Value firstWay(ImplicitLocOpBuilder &b, func::FuncOp entry, const Partition &parts) {
  auto integer = RankedTensorType::get({}, b.getI32Type());
  if (parts.ranks == 1)
    return constant(b, integer, 0);
  Value rank = argumentOf(entry, integer, BindAttr::get(b.getContext(), BindingKind::input, "rank"));
  if (parts.tensor > 1)
    rank = arith::DivSIOp::create(b, rank, constant(b, integer, double(parts.tensor)));
  return parts.ofRank() == 1 ? rank
                             : Value(arith::MulIOp::create(b, rank, constant(b, integer, double(parts.ofRank()))));
}

/// The way's part of a batch of all of them: micro-batches are its leading dimension, where a way has several.
static RankedTensorType ofAllWays(RankedTensorType type, int64_t ways, bool hasMicroBatches) {
  SmallVector<int64_t> shape(type.getShape());
  hasMicroBatches ? void(shape.front() *= ways) : void(shape.insert(shape.begin(), ways));
  return withShape(type, shape);
}

static Value splitWays(ImplicitLocOpBuilder &b, Value all, int64_t ways, bool hasMicroBatches) {
  return hasMicroBatches ? splitRows(b, all, typeOf(all).getDimSize(0) / ways) : all;
}

static Value joinWays(ImplicitLocOpBuilder &b, Value stack, bool hasMicroBatches) {
  SmallVector<int64_t> shape(typeOf(stack).getShape());
  if (!hasMicroBatches || shape.size() < 2)
    return stack;
  shape[1] *= shape[0];
  return reshape(b, stack, ArrayRef(shape).drop_front());
}

/// Puts the work into a loop over the ways of the rank.
static void wrap(func::FuncOp entry, const BatchWork &work, const BatchResults &results, Value first, int64_t ways) {
  ImplicitLocOpBuilder b(entry.getLoc(), work.block.getTerminator());
  bool hasMicroBatches = sizeOr(getProgram(entry->getParentOfType<ModuleOp>()), "accum", 1) > 1;
  SmallVector<Value> slices;
  for (BlockArgument input : work.inputs) {
    input.setType(ofAllWays(typeOf(input), ways, hasMicroBatches));
    slices.push_back(splitWays(b, input, ways, hasMicroBatches));
  }
  slices.push_back(risingNumbers(b, ways));
  SmallVector<RandomAddressOp> draws = work.draws();
  auto loop =
      LoopOp::create(b, "ways", ways, ValueRange(), slices, false, [&](ImplicitLocOpBuilder &in, auto, auto args) {
        IRMapping map;
        map.map(ArrayRef<BlockArgument>(work.inputs), args.drop_back());
        Value way = draws.empty() ? Value() : Value(arith::AddIOp::create(in, first, args.back()));
        for (RandomAddressOp address : draws)
          if (address->getBlock() == &work.block && !work.ops.contains(address))
            in.clone(*address, map);
        for (Operation *op : work.ops)
          in.clone(*op, map);
        in.getInsertionBlock()->walk([&](RandomAddressOp address) { addressWay(address, way); });
        YieldOp::create(in, ValueRange(),
                        llvm::map_to_vector(work.outputs, [&](Value v) { return map.lookupOrDefault(v); }));
      });
  if (!hasMicroBatches)
    loop->setAttr(kMicroBatchesAttr, b.getUnitAttr()); // which ways then are, each
  for (Operation *op : work.followers())
    op->moveBefore(work.block.getTerminator());
  b.setInsertionPointAfter(loop);
  size_t perToken = work.outputs.size() - results.perToken.size();
  Operation *end = work.block.getTerminator();
  for (auto [i, value, stack] : llvm::enumerate(work.outputs, loop.getStackResults())) {
    Value all = i < perToken ? stack : joinWays(b, stack, hasMicroBatches);
    Operation *made = value.getDefiningOp();
    bool isOfBatch = made && work.ops.contains(made); // others, such as zeros, are what they are to whoever reads them
    Value(value).replaceUsesWithIf(all, [&](OpOperand &use) {
      return isOfBatch ? !work.ops.contains(use.getOwner()) && use.getOwner() != loop : use.getOwner() == end;
    });
  }
  for (Operation *op : llvm::reverse(work.ops))
    op->erase();
}

void mlir::nanochat::runWays(func::FuncOp entry, const BatchResults &results, const Partition &parts) {
  BatchWork work(entry, results);
  ImplicitLocOpBuilder b = ImplicitLocOpBuilder::atBlockBegin(entry.getLoc(), &work.block);
  SmallVector<RandomAddressOp> draws = work.draws();
  Value first = draws.empty() ? Value() : firstWay(b, entry, parts);
  if (parts.ofRank() > 1) {
    wrap(entry, work, results, first, parts.ofRank());
  } else {
    for (RandomAddressOp address : draws)
      addressWay(address, first);
  }
}
