// Which ops run as one kernel.
//
// After decomposition a block is linalg ops, loops, views and ops that are kernels of their own. Every tensor between
// two kernels is written to memory and read again, so ops should share kernels as far as an emitter can run them
// together:
//
//   pointwise  every loop parallel: one pass over all elements; a group of rank 0 is a handful of scalars;
//   rowwise    parallel over rows, reducing within a row at most: norm, softmax, quantisation, one step of AdamW. Ops
//              over equally many rows that read each other's results row by row are one loop over rows, in which a row
//              stays in cache or registers;
//   gemm       one matrix product, with pointwise ops behind it on its result (epilogue) and before it on a factor
//              (prologue);
//   others     attention, loops and ops without structure stand alone.
//
// Ops are visited in the order of the block. Each joins the group of one of its producers, the latest first, or opens a
// group. Joining is legal if
//   - the group's emitter can run it: it fits the class, its shape is the group's, and what it reads of the group it
//     reads at its own row (of a gemm: at its own element). A reader of x[j] in row i would need rows that are not
//     computed yet;
//   - nothing of the group is read through a view, or by an index in the op's body: views stay outside kernels, so what
//     they show must be finished;
//   - no cycle arises. With a → b → c, where a and c would share a kernel but b may not join, that kernel would need
//     b's result before it ran. So of the op's other producers none may need the group, however indirectly (`reaches`).
// An op can join only one of its producers. Two groups that meet in an op are therefore merged afterwards where the
// same conditions hold for each of their members (`mergeRows`): a step of AdamW8 is one kernel, not two with a moment
// in memory between them. Last, a pointwise op whose only reader is a gemm becomes its prologue (`absorbPrologues`): it
// is computed while a factor is packed.
//
// The result is ordered again, because members of a group moved to where its last one stands. The order of the source
// is kept where it can be; groups of scalars go first, as one of them may have members all over the block.
#include "lib/Fusion/Groups.h"
#include "dialect/MatrixProduct.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace mlir::nanochat;

bool mlir::nanochat::isStart(Operation *op) {
  return isa<linalg::FillOp, tensor::EmptyOp>(op) || op->hasTrait<OpTrait::ConstantLike>();
}
bool mlir::nanochat::isContraction(Operation *op) {
  auto product = matchProduct(op);
  return product && product->isOfMatrices();
}

bool mlir::nanochat::isPointwise(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  return generic && generic.getNumParallelLoops() == generic.getNumLoops();
}

/// Parallel over dimension 0, at most reducing over the others: it fits a loop over rows.
static bool isRowwise(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || generic.getNumLoops() == 0)
    return false;
  return generic.getIteratorTypesArray()[0] == utils::IteratorType::parallel && !isContraction(op);
}

bool mlir::nanochat::readsAligned(OpOperand &use, bool rowOnly) {
  auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
  if (!generic)
    return false;
  AffineMap map = generic.getMatchingIndexingMap(&use);
  if (!rowOnly)
    return map.isIdentity();
  return map.getNumResults() && map.getResult(0) == getAffineDimExpr(0, map.getContext());
}

namespace {
class BlockGrouper {
public:
  BlockGrouper(Block &block, bool fuse) : block(block), fuse(fuse) {}

  SmallVector<OpGroup> run() {
    for (Operation &op : block)
      place(&op);
    if (fuse) {
      absorbPrologues();
      mergeRows();
    }
    return inOrder();
  }

private:
  void place(Operation *op);
  /// Has `op` join the group; else returns why it may not.
  const char *tryJoin(Operation *op, unsigned group);
  /// Why the group's emitter could not run `op` there; null if it can.
  const char *misfit(Operation *op, const OpGroup &group);
  /// Does `op` read a result of the group under another shape, or where its body says?
  bool readsElsewhere(Operation *op, unsigned number);
  void absorbPrologues();
  void mergeRows();
  /// Could all of group `to` have joined group `from`?
  bool mergeable(unsigned from, unsigned to);
  /// Does group `to` need, however indirectly, a result of group `from`?
  bool reaches(unsigned from, unsigned to);
  /// Groups that `op` reads results of, through views, or that it follows because both do more than compute.
  SmallVector<unsigned> producers(Operation *op);
  SmallVector<OpGroup> inOrder();

  Block &block;
  bool fuse;
  SmallVector<OpGroup> groups;
  DenseMap<Operation *, unsigned> groupOf;
  Operation *lastWithEffects = nullptr;
  DenseMap<Operation *, Operation *> precedes; // what does more than compute, and what did so before it
};
} // namespace

SmallVector<unsigned> BlockGrouper::producers(Operation *op) {
  SmallVector<unsigned> found;
  if (Operation *before = precedes.lookup(op))
    found.push_back(groupOf.at(before));
  for (Value value : readBy(op)) {
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

const char *BlockGrouper::misfit(Operation *op, const OpGroup &group) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic)
    return "it is no op over elements";
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  auto fromGroup = [&](OpOperand &use) {
    Operation *def = use.get().getDefiningOp();
    auto it = def ? groupOf.find(def) : groupOf.end();
    return it != groupOf.end() && &groups[it->second] == &group;
  };
  auto readsInPlace = [&](bool byRow) {
    return llvm::all_of(generic->getOpOperands(),
                        [&](OpOperand &use) { return !fromGroup(use) || readsAligned(use, byRow); });
  };
  if (group.kind == DispatchClass::gemm) {
    if (!isPointwise(op) || ArrayRef<int64_t>(group.shape) != type.getShape())
      return "what follows a product in its kernel is pointwise and of its shape";
    return readsInPlace(/*byRow=*/false) ? nullptr : "it reads other elements of the product than its own";
  }
  if (group.kind != DispatchClass::rowwise && group.kind != DispatchClass::pointwise)
    return "what it reads is made by a kernel that takes no other ops";
  if (group.rows == 0)
    return type.getRank() == 0 && isPointwise(op) ? nullptr : "it is not a single number, as what it reads";
  if (!isRowwise(op) || type.getRank() == 0 || type.getDimSize(0) != group.rows)
    return "it does not run over the rows of what it reads";
  return readsInPlace(/*byRow=*/true) ? nullptr : "it reads other rows than its own";
}

bool BlockGrouper::readsElsewhere(Operation *op, unsigned number) {
  return llvm::any_of(readBy(op), [&](Value value) {
    Operation *def = value.getDefiningOp();
    if (!def || def->getBlock() != &block)
      return false;
    if (isView(def))
      return llvm::is_contained(producers(def), number);
    auto it = groupOf.find(def);
    return it != groupOf.end() && it->second == number && !llvm::is_contained(op->getOperands(), value);
  });
}

const char *BlockGrouper::tryJoin(Operation *op, unsigned number) {
  OpGroup &group = groups[number];
  if (const char *why = misfit(op, group))
    return why;
  // Views stay outside, so what one shows of the group must be finished.
  if (readsElsewhere(op, number))
    return "it reads a view, or where its body says";
  // Another producer that itself needs this group would close a cycle.
  for (unsigned other : producers(op))
    if (other != number && reaches(number, other))
      return "something else that it reads needs the same kernel's result";
  group.ops.push_back(op);
  groupOf[op] = number;
  if (group.kind == DispatchClass::pointwise && !isPointwise(op))
    group.kind = DispatchClass::rowwise;
  return nullptr;
}

void BlockGrouper::place(Operation *op) {
  if (isStart(op) || isView(op) || op->hasTrait<OpTrait::IsTerminator>())
    return;
  if (!isMemoryEffectFree(op))
    precedes[op] = std::exchange(lastWithEffects, op);
  if (fuse && isa<linalg::GenericOp>(op)) {
    const char *why = nullptr;
    SmallVector<unsigned> candidates = producers(op);
    for (unsigned producer : llvm::reverse(candidates))
      if (!(why = tryJoin(op, producer)))
        return;
    if (why)
      remark::missed(op->getLoc(), remark::RemarkOpts::name("apart").category("fuse"))
          << remark::reason("a kernel of its own, apart from what it reads: {0}", why);
  }
  OpGroup group{DispatchClass::generic, {op}, {}, 0};
  if (auto kernel = dyn_cast<KernelOpInterface>(op))
    group.kind = kernel.getDispatchClass();
  else if (isContraction(op))
    group.kind = DispatchClass::gemm;
  else if (isPointwise(op))
    group.kind = DispatchClass::pointwise;
  else if (isa<linalg::GenericOp>(op))
    group.kind = DispatchClass::rowwise;
  if (op->getNumResults() && (isa<linalg::GenericOp>(op) || isContraction(op))) {
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
  for (auto [number, group] : llvm::enumerate(groups)) {
    if (group.kind != DispatchClass::pointwise || group.ops.size() != 1)
      continue;
    Operation *op = group.ops[0];
    // Kernels of their own stay so, and codes are made once, not again for every tile of a product.
    bool isCodes = op->getNumResults() == 1 && getElementTypeOrSelf(op->getResult(0)).isInteger(8);
    if (isCodes || isa<KernelOpInterface>(op))
      continue;
    auto it = op->hasOneUse() ? groupOf.find(*op->user_begin()) : groupOf.end();
    if (it == groupOf.end() || op->getNumOperands() > 4)
      continue;
    OpGroup &reader = groups[it->second];
    if (reader.kind != DispatchClass::gemm || reader.ops.front() != *op->user_begin() ||
        !isContraction(reader.ops.front()))
      continue;
    reader.ops.insert(reader.ops.begin(), op);
    groupOf[op] = it->second;
    group.ops.clear();
  }
}

bool BlockGrouper::mergeable(unsigned from, unsigned to) {
  const OpGroup &group = groups[from];
  if (from == to || group.rows <= 0 ||
      !llvm::is_contained({DispatchClass::rowwise, DispatchClass::pointwise}, group.kind))
    return false;
  return llvm::all_of(groups[to].ops, [&](Operation *op) {
    return !misfit(op, group) && !readsElsewhere(op, from) && llvm::all_of(producers(op), [&](unsigned other) {
      return other == from || other == to || !reaches(from, other);
    });
  });
}

/// An op joins one of its producers; what meets in it may be one loop over rows all the same.
void BlockGrouper::mergeRows() {
  for (unsigned to = 0; to < groups.size(); ++to) {
    SetVector<unsigned> sources;
    for (Operation *op : groups[to].ops)
      sources.insert_range(producers(op));
    for (unsigned from : sources) {
      if (!mergeable(from, to))
        continue;
      for (Operation *op : groups[from].ops)
        groupOf[op] = to;
      if (groups[from].kind == DispatchClass::rowwise)
        groups[to].kind = DispatchClass::rowwise;
      groups[to].ops.insert(groups[to].ops.begin(), groups[from].ops.begin(), groups[from].ops.end());
      groups[from].ops.clear();
    }
  }
}

SmallVector<OpGroup> BlockGrouper::inOrder() {
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
  SmallVector<OpGroup> result;
  for (unsigned g : sorted)
    result.push_back(std::move(groups[g]));
  return result;
}

SmallVector<OpGroup> mlir::nanochat::groupOps(Block &block, bool fuse) { return BlockGrouper(block, fuse).run(); }
