#include "lib/Targets/kernels/RowwisePlan.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mlir::nanochat;

linalg::GenericOp nanochat::reductionOf(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  return op && op.getNumReductionLoops() ? op : nullptr;
}

static ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

/// Tensors an evaluation of `value` reads: operands, and tables its body gathers from.
static SmallVector<Value> sources(Value value) {
  SmallVector<Value> found;
  Operation *op = value.getDefiningOp();
  if (!op)
    return found;
  for (Value operand : op->getOperands())
    if (isa<RankedTensorType>(operand.getType()))
      found.push_back(operand);
  op->walk([&](tensor::ExtractOp extract) { found.push_back(extract.getTensor()); });
  return found;
}

/// Whether recomputing an element costs more than storing and loading it.
static bool isExpensive(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op)
    return false;
  int64_t cost = 0;
  for (Operation &inner : op.getBody()->without_terminator()) {
    bool slow = isa<arith::DivFOp, tensor::ExtractOp>(inner) || isa<math::MathDialect>(inner.getDialect());
    cost += slow && !isa<math::FmaOp, math::AbsFOp>(inner) ? 6 : 1;
  }
  return cost >= 6;
}

namespace {
/// Finds the roots: results, reductions and what several of them share at a price.
class Roots {
public:
  explicit Roots(func::FuncOp kernel) : kernel(kernel) {
    for (Value result : kernel.front().getTerminator()->getOperands())
      set.insert(result);
    kernel.walk([&](linalg::GenericOp op) {
      if (op.getNumReductionLoops())
        set.insert(op.result_begin(), op.result_end());
    });
    share();
  }
  llvm::SetVector<Value> set;

  /// Whether `value` is inlined down to `target`, and if so only at its own indices.
  enum class Reach { no, same, other };
  Reach reach(Value value, Value target, bool moved = false) const {
    Reach result = Reach::no;
    for (Value source : sources(value)) {
      bool moves = moved || movesIndices(value, source);
      Reach found = source == target       ? (moves ? Reach::other : Reach::same)
                    : set.contains(source) ? Reach::no
                                           : reach(source, target, moves);
      result = std::max(result, found);
    }
    return result;
  }

private:
  static bool movesIndices(Value value, Value source) {
    auto op = value.getDefiningOp<linalg::GenericOp>();
    if (!op)
      return true;
    AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(cast<OpResult>(value).getResultNumber()));
    for (OpOperand &operand : op->getOpOperands())
      if (operand.get() == source && op.getMatchingIndexingMap(&operand) != out)
        return true;
    return !llvm::is_contained(op->getOperands(), source);
  }

  /// Adds expensive values that several roots would otherwise compute again.
  void share() {
    SmallVector<Operation *> ops;
    for (Operation &op : kernel.front())
      ops.push_back(&op);
    DenseMap<Value, llvm::SmallPtrSet<void *, 4>> users; // root loops that inline a value
    for (Operation *op : llvm::reverse(ops))
      for (Value value : op->getResults()) {
        llvm::SmallPtrSet<void *, 4> mine = users.lookup(value);
        if (mine.size() > 1 && isExpensive(value))
          set.insert(value);
        if (set.contains(value))
          mine = {value.getAsOpaquePointer()};
        if (!mine.empty() && isa<RankedTensorType>(value.getType()))
          for (Value source : sources(value))
            users[source].insert(mine.begin(), mine.end());
      }
  }

  func::FuncOp kernel;
};
} // namespace

/// Whether a root reads, by inlining, an argument that the result `written` overwrites. Arguments of one element per
/// row do not count: they are loaded when a row begins (readOverwritten).
static bool readsOverwritten(func::FuncOp kernel, const Roots &roots, Value root, Value written) {
  auto isPerRow = [&](Value result) {
    return shapeOf(result).size() == 1 && llvm::any_of(roots.set, [](Value v) { return shapeOf(v).size() > 1; });
  };
  auto results = kernel.front().getTerminator()->getOperands();
  for (auto [result, input] : llvm::zip(results, getKernel(kernel).getOverwritten()))
    if (result == written && input >= 0 && input < kernel.getNumArguments() && !isPerRow(result) &&
        roots.reach(root, kernel.getArgument(input)) != Roots::Reach::no)
      return true;
  return false;
}

/// Groups roots: parallel ones of equal shape share a loop nest if they read each other at equal indices only. With
/// `heedInplace`, fails if in no order arguments are read before results overwrite them.
static FailureOr<SmallVector<Group>> groupRoots(func::FuncOp kernel, const Roots &roots, bool heedInplace) {
  SmallVector<Value> pending;
  for (Value argument : kernel.getArguments())
    if (roots.set.contains(argument))
      pending.push_back(argument);
  for (Operation &op : kernel.front())
    for (Value value : op.getResults())
      if (roots.set.contains(value))
        pending.push_back(value);
  SmallVector<Group> groups;
  while (!pending.empty()) {
    auto blocked = [&](Value root, Value other) {
      return other != root && (roots.reach(root, other) != Roots::Reach::no ||
                               (heedInplace && readsOverwritten(kernel, roots, other, root)));
    };
    Group group;
    // A root is ready when no other pending root must come before it, members of its group aside,
    // which share its indices.
    for (Value root : pending) {
      bool fits = group.roots.empty() ||
                  (!reductionOf(root) && !reductionOf(group.roots[0]) && shapeOf(root) == shapeOf(group.roots[0]));
      for (Value other : pending) {
        bool member = llvm::is_contained(group.roots, other);
        fits &= member ? roots.reach(root, other) != Roots::Reach::other : !blocked(root, other);
      }
      if (fits)
        group.roots.push_back(root);
      if (fits && reductionOf(root))
        break;
    }
    if (group.roots.empty())
      return failure();
    llvm::erase_if(pending, [&](Value v) { return llvm::is_contained(group.roots, v); });
    groups.push_back(std::move(group));
  }
  return groups;
}

static int64_t product(ArrayRef<int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<>());
}

/// Enough elements for a task to be worth starting, few enough tasks to count; a power of two of units, unless one
/// task does all.
static int64_t shareOut(int64_t units, int64_t elementsPerUnit) {
  constexpr int64_t elements = 4096, tasks = 256;
  int64_t per = llvm::divideCeil(elements, std::max<int64_t>(1, elementsPerUnit));
  int64_t share = llvm::PowerOf2Ceil(std::max(per, int64_t(llvm::divideCeil(units, tasks))));
  return std::clamp<int64_t>(share, 1, std::max<int64_t>(1, units));
}

/// The elements read or written by the largest loop nest, per unit of the given extent.
static int64_t elementsPer(const RowwisePlan &plan, int64_t units) {
  int64_t most = 1;
  for (const Group &group : plan.groups)
    for (Value root : group.roots) {
      linalg::GenericOp op = reductionOf(root);
      most = std::max(most, op ? product(op.getStaticLoopRanges()) : product(shapeOf(root)));
    }
  return most / std::max<int64_t>(1, units);
}

static void splitColumns(RowwisePlan &plan, int64_t columns, bool reduces, int64_t lanes) {
  plan.split = Split::columns;
  plan.columns = columns;
  if (!reduces) {
    plan.perTask = llvm::alignTo(shareOut(columns, elementsPer(plan, columns)), lanes);
    return;
  }
  // A task walks all rows: wider columns use whole pages, narrower ones give more tasks.
  plan.unroll = std::clamp<int64_t>(columns / (16 * lanes), 1, 4);
  plan.perTask = plan.unroll * lanes;
}

/// Arguments of several dimensions that results overwrite.
static SmallVector<Value> overwrittenArguments(func::FuncOp kernel) {
  SmallVector<Value> arguments;
  for (int64_t input : getKernel(kernel).getOverwritten())
    if (input >= 0 && shapeOf(kernel.getArgument(input)).size() > 1)
      arguments.push_back(kernel.getArgument(input));
  return arguments;
}

FailureOr<RowwisePlan> nanochat::planRowwise(func::FuncOp kernel, int64_t lanes) {
  Roots roots(kernel);
  RowwisePlan plan;
  FailureOr<SmallVector<Group>> groups = groupRoots(kernel, roots, /*heedInplace=*/true);
  if (failed(groups)) {
    plan.copies = overwrittenArguments(kernel);
    groups = groupRoots(kernel, roots, /*heedInplace=*/false);
  }
  if (failed(groups) || groups->empty())
    return failure();
  plan.groups = std::move(*groups);
  bool reduces = false, overRows = false;
  ArrayRef<int64_t> largest;
  for (Value root : roots.set) {
    if (linalg::GenericOp op = reductionOf(root)) {
      reduces = true;
      overRows |= op.getIteratorTypesArray()[0] == utils::IteratorType::reduction;
    }
    if (shapeOf(root).size() > largest.size())
      largest = shapeOf(root);
  }
  if (largest.empty()) // one scalar: one task
    return plan;
  if (overRows || (largest.size() == 1 && !reduces)) {
    if (!plan.copies.empty())
      return failure();
    splitColumns(plan, largest.back(), reduces, lanes);
    return plan;
  }
  bool alike = llvm::all_of(roots.set, [&](Value v) { return shapeOf(v) == largest; });
  plan.rowDims = reduces || !alike ? 1 : largest.size() - 1;
  plan.rows = product(largest.take_front(plan.rowDims));
  plan.perTask = shareOut(plan.rows, elementsPer(plan, plan.rows));
  return plan;
}
