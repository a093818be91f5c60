// Groups the ops of each block into dispatches.
//
// Ops are visited in order; each opens a group or joins that of a producer, if the group's emitter
// can run it there and the groups stay free of cycles. Views stay outside, where they cost nothing;
// constants and the starts of reductions (fill, empty) are copied into every dispatch that needs one.
#include "dialect/StepIR.h"
#include "lib/Fusion/Passes.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_FORMDISPATCHESPASS
#include "lib/Fusion/Passes.h.inc"

namespace {
bool isStart(Operation *op) {
  return isa<linalg::FillOp, tensor::EmptyOp>(op) || op->hasTrait<OpTrait::ConstantLike>();
}
bool isView(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ExtractSliceOp>(op);
}

bool isContraction(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  return generic && generic.getNumParallelLoops() == 2 && generic.getNumReductionLoops() == 1 &&
         generic.getNumDpsInputs() == 2 && !generic.getMatchingIndexingMap(&generic->getOpOperand(0)).isIdentity() &&
         generic.getNumLoops() == 3;
}

bool isPointwise(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  return generic && generic.getNumParallelLoops() == generic.getNumLoops();
}

/// Parallel over dimension 0, at most reducing over the others: it fits a loop over rows.
bool isRowwise(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumLoops() == 0)
    return false;
  return generic.getIteratorTypesArray()[0] == utils::IteratorType::parallel && !isContraction(op);
}

/// Does `consumer` read operand `use` at its own indices, row by row (or element by element)?
bool readsAligned(OpOperand &use, bool rowOnly) {
  auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
  if (!generic)
    return false;
  AffineMap map = generic.getMatchingIndexingMap(&use);
  if (!rowOnly)
    return map.isIdentity();
  return map.getNumResults() && map.getResult(0) == getAffineDimExpr(0, map.getContext());
}

struct Group {
  DispatchClass kind;
  SmallVector<Operation *> ops;
  SmallVector<int64_t> shape; // of a gemm's result; of a pointwise one's
  int64_t rows = 0;           // of row groups; 0 for single numbers
};

class BlockGrouper {
public:
  BlockGrouper(Block &block, bool fuse) : block(block), fuse(fuse) {}

  void run() {
    for (Operation &op : block)
      place(&op);
    absorbPrologues();
    emit();
  }

private:
  void place(Operation *op);
  bool tryJoin(Operation *op, unsigned group);
  bool fits(Operation *op, const Group &group);
  void absorbPrologues();
  /// Does group `to` need, however indirectly, a result of group `from`?
  bool reaches(unsigned from, unsigned to);
  /// Groups that `op` reads results of, through views.
  SmallVector<unsigned> producers(Operation *op);
  void emit();
  void moveViews(Operation *op);
  void emitGroup(Group &group, OpBuilder &b);

  Block &block;
  bool fuse;
  SmallVector<Group> groups;
  DenseMap<Operation *, unsigned> groupOf;
  DenseSet<Operation *> moved;
};
} // namespace

/// All that the op reads, nested regions included.
static SetVector<Value> reads(Operation *op) {
  SetVector<Value> values(op->operand_begin(), op->operand_end());
  if (op->getNumRegions())
    getUsedValuesDefinedAbove(op->getRegions(), values);
  return values;
}

SmallVector<unsigned> BlockGrouper::producers(Operation *op) {
  SmallVector<unsigned> found;
  for (Value value : reads(op)) {
    Operation *def = value.getDefiningOp();
    if (!def || def->getBlock() != &block)
      continue;
    if (auto it = groupOf.find(def); it != groupOf.end())
      found.push_back(it->second);
    else if (isView(def))
      llvm::append_range(found, producers(def));
  }
  return found;
}

bool BlockGrouper::reaches(unsigned from, unsigned to) {
  llvm::SmallDenseSet<unsigned> seen;
  SmallVector<unsigned> work{to};
  while (!work.empty())
    for (Operation *op : groups[work.pop_back_val()].ops)
      for (unsigned p : producers(op)) {
        if (p == from)
          return true;
        if (seen.insert(p).second)
          work.push_back(p);
      }
  return false;
}

bool BlockGrouper::fits(Operation *op, const Group &group) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic)
    return false;
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  auto fromGroup = [&](OpOperand &use) {
    Operation *def = use.get().getDefiningOp();
    auto it = def ? groupOf.find(def) : groupOf.end();
    return it != groupOf.end() && &groups[it->second] == &group;
  };
  if (group.kind == DispatchClass::gemm)
    return isPointwise(op) && ArrayRef<int64_t>(group.shape) == type.getShape() &&
           llvm::all_of(generic->getOpOperands(), [&](OpOperand &use) { return !fromGroup(use) || readsAligned(use, false); });
  if (group.kind != DispatchClass::rowwise && group.kind != DispatchClass::pointwise)
    return false;
  if (group.rows == 0)
    return type.getRank() == 0 && isPointwise(op);
  return isRowwise(op) && type.getRank() > 0 && type.getDimSize(0) == group.rows &&
         llvm::all_of(generic->getOpOperands(), [&](OpOperand &use) { return !fromGroup(use) || readsAligned(use, true); });
}

bool BlockGrouper::tryJoin(Operation *op, unsigned number) {
  Group &group = groups[number];
  if (!fits(op, group))
    return false;
  // Another producer that itself needs this group would close a cycle.
  for (unsigned other : producers(op))
    if (other != number && reaches(number, other))
      return false;
  group.ops.push_back(op);
  groupOf[op] = number;
  if (group.kind == DispatchClass::pointwise && !isPointwise(op))
    group.kind = DispatchClass::rowwise;
  return true;
}

void BlockGrouper::place(Operation *op) {
  if (isStart(op) || isView(op) || op->hasTrait<OpTrait::IsTerminator>())
    return;
  if (fuse && isa<linalg::GenericOp>(op))
    for (unsigned producer : llvm::reverse(producers(op)))
      if (tryJoin(op, producer))
        return;
  Group group{DispatchClass::generic, {op}, {}, 0};
  if (auto kernel = dyn_cast<KernelOpInterface>(op))
    group.kind = kernel.getDispatchClass();
  else if (isContraction(op))
    group.kind = DispatchClass::gemm;
  else if (isPointwise(op))
    group.kind = DispatchClass::pointwise;
  else if (isa<linalg::GenericOp>(op))
    group.kind = DispatchClass::rowwise;
  if (op->getNumResults() && isa<linalg::GenericOp>(op)) {
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    group.shape.assign(type.getShape().begin(), type.getShape().end());
    if (isRowwise(op) && type.getRank())
      group.rows = type.getDimSize(0);
    else if (!isPointwise(op) && !isContraction(op))
      group.rows = -1; // reductions over rows stand alone
  }
  groupOf[op] = groups.size();
  groups.push_back(group);
}

/// A pointwise op that only feeds one contraction is how that contraction reads its operand.
void BlockGrouper::absorbPrologues() {
  if (!fuse)
    return;
  for (auto [number, group] : llvm::enumerate(groups)) {
    if (group.kind != DispatchClass::pointwise || group.ops.size() != 1 || !group.ops[0]->hasOneUse())
      continue;
    Operation *op = group.ops[0], *user = *op->user_begin();
    auto it = groupOf.find(user);
    if (it == groupOf.end() || it->second == number || groups[it->second].ops.front() != user || !isContraction(user) ||
        op->getNumOperands() > 4)
      continue;
    groups[it->second].ops.insert(groups[it->second].ops.begin(), op);
    groupOf[op] = it->second;
    group.ops.clear();
  }
}

void BlockGrouper::emit() {
  // Kahn's algorithm, earliest last member first, so that the order of the source is kept; but single
  // numbers at once: they cost nothing, and one group of them may have members all over the block.
  DenseMap<Operation *, unsigned> position;
  for (auto [i, op] : llvm::enumerate(block))
    position[&op] = i;
  SmallVector<unsigned> order;
  for (unsigned g = 0; g < groups.size(); ++g)
    if (!groups[g].ops.empty())
      order.push_back(g);
  auto last = [&](unsigned g) {
    unsigned at = 0;
    if (groups[g].kind == DispatchClass::pointwise && groups[g].shape.empty())
      return at;
    for (Operation *op : groups[g].ops)
      at = std::max(at, position[op]);
    return at;
  };
  llvm::stable_sort(order, [&](unsigned x, unsigned y) { return last(x) < last(y); });
  llvm::SmallDenseSet<unsigned> done;
  SmallVector<unsigned> sorted;
  while (sorted.size() < order.size())
    for (unsigned g : order) {
      if (done.contains(g))
        continue;
      bool ready = true;
      for (Operation *op : groups[g].ops)
        for (unsigned p : producers(op))
          ready &= p == g || done.contains(p);
      if (!ready)
        continue;
      done.insert(g);
      sorted.push_back(g);
      break;
    }
  OpBuilder b(block.getTerminator());
  for (unsigned g : sorted) {
    for (Operation *op : groups[g].ops)
      moveViews(op);
    if (isa<LoopOp>(groups[g].ops[0]))
      groups[g].ops[0]->moveBefore(block.getTerminator());
    else
      emitGroup(groups[g], b);
  }
  moveViews(block.getTerminator());
  for (unsigned g : llvm::reverse(sorted))
    for (Operation *op : llvm::reverse(groups[g].ops))
      if (!isa<LoopOp>(op))
        op->erase();
}

/// Brings the views and constants that `op` reads to the end of the block, behind what they are of.
void BlockGrouper::moveViews(Operation *op) {
  for (Value value : reads(op)) {
    Operation *def = value.getDefiningOp();
    if (!def || def->getBlock() != &block || !(isView(def) || isStart(def)) || !moved.insert(def).second)
      continue;
    moveViews(def);
    def->moveBefore(block.getTerminator());
  }
}

/// Clones `value`'s views and starts into the dispatch, down to values it takes as inputs.
static void import(Value value, IRMapping &map, OpBuilder &inside, Block &body, SmallVectorImpl<Value> &inputs,
                   const DenseSet<Operation *> &members) {
  if (map.contains(value))
    return;
  Operation *def = value.getDefiningOp();
  if (def && (isStart(def) || members.contains(def))) {
    for (Value operand : reads(def))
      import(operand, map, inside, body, inputs, members);
    inside.clone(*def, map);
    return;
  }
  inputs.push_back(value);
  map.map(value, body.addArgument(value.getType(), value.getLoc()));
}

/// The value `output` takes the place of: the carried value whose next one it is, the slice of what the
/// stack it goes to replaces, or the argument bound to the same tensor as the result it is returned as.
/// Null if there is none.
static Value predecessor(Value output) {
  for (OpOperand &use : output.getUses()) {
    unsigned number = use.getOperandNumber();
    if (auto loop = dyn_cast<LoopOp>(use.getOwner()->getParentOp()); loop && use.getOwner() == loop.getYield()) {
      if (number < loop.getNumCarries())
        return loop.getCarryArgs()[number];
      Value stack = predecessor(loop.getResult(number));
      for (auto [slice, arg] : llvm::zip(loop.getSlices(), loop.getSliceArgs()))
        if (stack && slice == stack)
          return arg;
    }
    auto func = dyn_cast<func::FuncOp>(use.getOwner()->getParentOp());
    if (!func || !isa<func::ReturnOp>(use.getOwner()))
      continue;
    auto same = [&](Attribute arg) {
      auto result = func.getResultAttrOfType<DictionaryAttr>(number, kBindAttr), other = dyn_cast_or_null<DictionaryAttr>(arg);
      return result && other && Binding::of(result).kind == Binding::of(other).kind &&
             Binding::of(result).name == Binding::of(other).name;
    };
    for (BlockArgument arg : func.getArguments())
      if (same(func.getArgAttr(arg.getArgNumber(), kBindAttr)))
        return arg;
  }
  return Value();
}

/// Which input each result may overwrite: one read only at the index written, in a body without
/// reductions other than a gemm's. Preferred is the value that the result replaces.
static SmallVector<int64_t> findInplace(Group &group, ArrayRef<Value> inputs, ArrayRef<Value> outputs) {
  SmallVector<int64_t> inplace(outputs.size(), -1);
  if (group.kind != DispatchClass::pointwise && group.kind != DispatchClass::gemm)
    return inplace;
  DenseSet<Operation *> members(group.ops.begin(), group.ops.end());
  auto overwritable = [&](Value input, Value output) {
    return input.getType() == output.getType() && llvm::all_of(input.getUses(), [&](OpOperand &use) {
      Operation *top = group.ops[0]->getBlock()->findAncestorOpInBlock(*use.getOwner());
      if (!top || !members.contains(top))
        return true;
      // A prologue reads whole panels of its operand before anything is written.
      bool prologue = group.kind == DispatchClass::gemm && llvm::any_of(top->getUsers(), isContraction);
      return top == use.getOwner() && isPointwise(top) && readsAligned(use, false) && !prologue;
    });
  };
  llvm::SmallDenseSet<int64_t> taken;
  for (auto [r, output] : llvm::enumerate(outputs))
    if (auto it = llvm::find(inputs, predecessor(output)); it != inputs.end() && overwritable(*it, output))
      taken.insert(inplace[r] = it - inputs.begin());
  for (auto [r, output] : llvm::enumerate(outputs))
    for (auto [i, input] : llvm::enumerate(inputs)) {
      if (inplace[r] >= 0 || taken.contains(i) || isa<BlockArgument>(input) || !overwritable(input, output))
        continue;
      taken.insert(inplace[r] = i);
    }
  return inplace;
}

void BlockGrouper::emitGroup(Group &group, OpBuilder &b) {
  DenseSet<Operation *> members(group.ops.begin(), group.ops.end());
  SmallVector<Value> outputs, inputs;
  for (Operation *op : group.ops)
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) {
            Operation *here = block.findAncestorOpInBlock(*user);
            return !here || !members.contains(here);
          }))
        outputs.push_back(result);
  if (outputs.empty())
    return;
  Location loc = group.ops.back()->getLoc();
  auto dispatch = DispatchOp::create(b, loc, ValueRange(outputs).getTypes(), group.kind, ValueRange(), b.getDenseI64ArrayAttr({}), FlatSymbolRefAttr());
  Block &body = dispatch.getBody().emplaceBlock();
  OpBuilder inside = OpBuilder::atBlockEnd(&body);
  IRMapping map;
  for (Operation *op : group.ops)
    for (Value result : op->getResults())
      import(result, map, inside, body, inputs, members);
  SmallVector<Value> yields;
  for (Value output : outputs)
    yields.push_back(map.lookup(output));
  YieldOp::create(inside, loc, yields, ValueRange());
  dispatch.getInputsMutable().assign(inputs);
  dispatch.setInplace(findInplace(group, inputs, outputs));
  for (auto [output, result] : llvm::zip(outputs, dispatch.getResults()))
    output.replaceUsesWithIf(result, [&](OpOperand &use) {
      return !dispatch->isAncestor(use.getOwner()) && !members.contains(use.getOwner());
    });
}

/// Constants that loops start from or entries return are filled by a dispatch.
static void fillConstants(func::FuncOp func) {
  SmallVector<arith::ConstantOp> constants;
  func.walk([&](arith::ConstantOp op) {
    if (isa<RankedTensorType>(op.getType()) && !op->getParentOfType<DispatchOp>())
      constants.push_back(op);
  });
  for (arith::ConstantOp op : constants)
    for (OpOperand &use : llvm::make_early_inc_range(op.getResult().getUses())) {
      // One fill per use: each may become the start of an accumulation in place.
      OpBuilder b(use.getOwner());
      auto type = cast<RankedTensorType>(op.getType());
      auto dispatch = DispatchOp::create(b, op.getLoc(), type, DispatchClass::pointwise, ValueRange(), b.getDenseI64ArrayAttr({-1}), FlatSymbolRefAttr());
      OpBuilder inside = OpBuilder::atBlockEnd(&dispatch.getBody().emplaceBlock());
      Value scalar = arith::ConstantOp::create(inside, op.getLoc(), cast<DenseElementsAttr>(op.getValue()).getSplatValue<TypedAttr>());
      Value empty = tensor::EmptyOp::create(inside, op.getLoc(), type.getShape(), type.getElementType());
      YieldOp::create(inside, op.getLoc(), linalg::FillOp::create(inside, op.getLoc(), scalar, empty).getResults(), ValueRange());
      use.set(dispatch.getResult(0));
    }
}

namespace {
struct FormDispatchesPass : impl::FormDispatchesPassBase<FormDispatchesPass> {
  using FormDispatchesPassBase::FormDispatchesPassBase;
  void runOnOperation() override {
    SmallVector<Block *> blocks;
    getOperation().walk<WalkOrder::PostOrder>([&](LoopOp loop) { blocks.push_back(&loop.getBody().front()); });
    blocks.push_back(&getOperation().getBody().front());
    for (Block *block : blocks)
      BlockGrouper(*block, fuse).run();
    fillConstants(getOperation());
    // Every dispatch has its own copies of constants and starts.
    IRRewriter rewriter(&getContext());
    (void)runRegionDCE(rewriter, getOperation()->getRegions());
  }
};
} // namespace
} // namespace mlir::nanochat
