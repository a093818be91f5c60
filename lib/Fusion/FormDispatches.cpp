// Makes every group of ops a dispatch. Views stay outside, where they cost nothing; constants and the starts of
// reductions (fill, empty) are copied into every dispatch that needs one.
#include "dialect/Linalg.h"
#include "lib/Fusion/Groups.h"
#include "lib/Fusion/Passes.h"
#include "lib/Targets/Target.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_FORMDISPATCHESPASS
#include "lib/Fusion/Passes.h.inc"

namespace {
/// Rebuilds a block as dispatches, loops and views, at its end.
class DispatchBuilder {
public:
  explicit DispatchBuilder(Block &block) : block(block), b(block.getTerminator()) {}
  void build(ArrayRef<OpGroup> groups);

private:
  void moveViews(Operation *op);
  void buildDispatch(const OpGroup &group);

  Block &block;
  OpBuilder b;
  DenseSet<Operation *> moved;
};
} // namespace

void DispatchBuilder::build(ArrayRef<OpGroup> groups) {
  for (const OpGroup &group : groups) {
    for (Operation *op : group.ops)
      moveViews(op);
    if (isa<HostOpInterface>(group.ops[0]))
      group.ops[0]->moveBefore(block.getTerminator());
    else
      buildDispatch(group);
  }
  moveViews(block.getTerminator());
  for (const OpGroup &group : llvm::reverse(groups))
    for (Operation *op : llvm::reverse(group.ops))
      if (!isa<HostOpInterface>(op))
        op->erase();
}

/// Brings the views and constants that `op` reads to the end of the block, behind what they are of.
void DispatchBuilder::moveViews(Operation *op) {
  for (Value value : readBy(op)) {
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
    for (Value operand : readBy(def))
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
    if (isView(use.getOwner()))
      if (Value old = predecessor(use.getOwner()->getResult(0)))
        return old;
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
    BindAttr bound = getResultBinding(func, number);
    for (BlockArgument arg : func.getArguments())
      if (BindAttr own = getArgBinding(func, arg.getArgNumber());
          bound && own && own.getKind() == bound.getKind() && own.getTensor() == bound.getTensor())
        return arg;
  }
  return Value();
}

/// Which input each result may overwrite: one read only at the index written, where no reduction reads it but that of
/// a gemm or along its own row. Preferred is the value that the result replaces.
static SmallVector<int64_t> findInplace(const OpGroup &group, ArrayRef<Value> inputs, ArrayRef<Value> outputs) {
  SmallVector<int64_t> inplace(outputs.size(), -1);
  if (group.kind == DispatchClass::generic || group.kind == DispatchClass::attention || group.rows < 0)
    return inplace;
  DenseSet<Operation *> members(group.ops.begin(), group.ops.end());
  auto overwritable = [&](Value input, Value output) {
    return input.getType() == output.getType() && llvm::all_of(input.getUses(), [&](OpOperand &use) {
             Operation *top = group.ops[0]->getBlock()->findAncestorOpInBlock(*use.getOwner());
             if (!top || !members.contains(top))
               return true;
             // A prologue reads whole panels of its operand before anything is written.
             bool prologue = group.kind == DispatchClass::gemm && llvm::any_of(top->getUsers(), isContraction);
             // Rows are a task's own: it has reduced one, and read what there is one of for each, before it writes.
             bool perRow = cast<RankedTensorType>(input.getType()).getRank() == 1 && readsAligned(use, true);
             bool ownRow = group.kind == DispatchClass::rowwise && (readsAligned(use, false) || perRow);
             return top == use.getOwner() && ((isPointwise(top) && readsAligned(use, false)) || ownRow) && !prologue;
           });
  };
  llvm::SmallDenseSet<int64_t> taken;
  for (auto [r, output] : llvm::enumerate(outputs))
    if (Value old = predecessor(output))
      if (auto it = llvm::find_if(inputs, [&](Value input) { return stripViews(input) == old; });
          it != inputs.end() && overwritable(*it, output))
        taken.insert(inplace[r] = it - inputs.begin());
  for (auto [r, output] : llvm::enumerate(outputs))
    for (auto [i, input] : llvm::enumerate(inputs)) {
      if (inplace[r] >= 0 || taken.contains(i) || isa<BlockArgument>(input) || !overwritable(input, output))
        continue;
      taken.insert(inplace[r] = i);
    }
  return inplace;
}

void DispatchBuilder::buildDispatch(const OpGroup &group) {
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
  SmallVector<Location> places;
  for (Operation *op : group.ops)
    places.push_back(op->getLoc());
  Location loc = b.getFusedLoc(places);
  auto dispatch = DispatchOp::create(b, loc, ValueRange(outputs).getTypes(), group.kind, ValueRange(),
                                     b.getDenseI64ArrayAttr({}), FlatSymbolRefAttr());
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
      auto dispatch = DispatchOp::create(b, op.getLoc(), type, DispatchClass::pointwise, ValueRange(),
                                         b.getDenseI64ArrayAttr({-1}), FlatSymbolRefAttr());
      ImplicitLocOpBuilder inside(op.getLoc(), OpBuilder::atBlockEnd(&dispatch.getBody().emplaceBlock()));
      auto elements = dyn_cast<SplatElementsAttr>(op.getValue());
      Value table = elements ? Value() : inside.clone(*op)->getResult(0);
      SmallVector<AffineMap> maps(table ? 1 : 0, b.getMultiDimIdentityMap(type.getRank()));
      Value filled =
          pointwise(inside, type, table ? ValueRange(table) : ValueRange(), maps,
                    [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                      return table ? v[0] : arith::ConstantOp::create(s, elements.getSplatValue<TypedAttr>());
                    });
      YieldOp::create(inside, filled, ValueRange());
      use.set(dispatch.getResult(0));
    }
}

namespace {
struct FormDispatchesPass : impl::FormDispatchesPassBase<FormDispatchesPass> {
  void runOnOperation() override {
    FailureOr<Target> row = targetOf(getOperation());
    if (failed(row))
      return signalPassFailure();
    SmallVector<Block *> blocks;
    getOperation().walk<WalkOrder::PostOrder>([&](LoopOp loop) { blocks.push_back(&loop.getBody().front()); });
    blocks.push_back(&getOperation().getBody().front());
    for (Block *block : blocks)
      DispatchBuilder(*block).build(groupOps(*block, row->fuses));
    fillConstants(getOperation());
    // Every dispatch has its own copies of constants and starts.
    IRRewriter rewriter(&getContext());
    (void)runRegionDCE(rewriter, getOperation()->getRegions());
  }
};
} // namespace
} // namespace mlir::nanochat
