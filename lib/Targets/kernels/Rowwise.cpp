#include "lib/Targets/kernels/Evaluator.h"
#include "lib/Targets/kernels/Kernel.h"
#include "lib/Targets/kernels/RowwiseEmitter.h"
#include "lib/Targets/kernels/RowwisePlan.h"
#include "lib/Targets/kernels/Team.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

namespace {
/// A reduction of one result: acc <- combine(acc, term).
struct Reduction {
  linalg::GenericOp op;
  Value result, init, term;
  Operation *combiner;
  SmallVector<unsigned> parallel, reduced; // loops; parallel in the order of the result's dims
  bool lastIsReduced = false;              // whether the last loop is a reduction
};

/// One vector of the last dim, and its active lanes (null for all).
struct Column {
  Lanes index;
  Value mask;
};

class RowwiseEmitter {
public:
  RowwiseEmitter(func::FuncOp kernel, func::FuncOp body, const RowwisePlan &plan, TeamShape shape)
      : plan(plan), body(body), kernel(kernel, shape.isBlock() ? shape.threads() : 0), b(this->kernel.b),
        e(b, shape.width), team(this->kernel, shape) {
    e.alignsVectors = shape.isBlock();
  }
  LogicalResult emit();

private:
  using AtIndices = llvm::function_ref<void(ArrayRef<Lanes>)>;
  void emitRows();
  void emitColumns();
  void readOverwritten(ArrayRef<Lanes> row);
  void putAside(Value argument, ArrayRef<Lanes> row);
  void group(const Group &group, ArrayRef<Lanes> row);
  void parallel(ArrayRef<Value> roots, ArrayRef<Lanes> row);
  void reduction(Value root, ArrayRef<Lanes> row);
  std::optional<Reduction> match(Value root);
  /// Loops over `extents`, the last in vectors if `vectorises`; body gets all indices after `outer`.
  /// Threads that differ in their rows share out the first of the loops if it `shares`, else all run it.
  void nest(ArrayRef<int64_t> extents, bool vectorises, SmallVector<Lanes> outer, AtIndices body, bool shares = false);
  void vectors(int64_t extent, llvm::function_ref<void(Lanes)> body);
  void withColumn(const Column &column, llvm::function_ref<void()> body);
  Carried accumulate(Reduction &r, ArrayRef<unsigned> loops, SmallVector<Lanes> dims, ValueRange carried);
  Value step(Reduction &r, ArrayRef<Lanes> dims, Value acc);
  Value neutral(Reduction &r);
  Value combine(Reduction &r, Value x, Value y);
  void keep(ArrayRef<Value> roots, ArrayRef<Lanes> at, ArrayRef<Lanes> values);
  void fail(const char *why) { e.failure = why; }

  const RowwisePlan &plan;
  func::FuncOp body; // the kernel's meaning, as planned
  Kernel kernel;
  ImplicitLocOpBuilder &b;
  Evaluator e;
  Team team;
  llvm::MapVector<Value, SmallVector<Value>> stores; // root -> buffers of full shape
  DenseMap<Value, Value> rowStores;                  // root -> scratch without row dims
  SmallVector<Column> columns;                       // vectors at hand, for Split::columns
};
} // namespace

LogicalResult RowwiseEmitter::emit() {
  for (auto [argument, buffer] : llvm::zip(body.getArguments(), kernel.inputs))
    e.bind(argument, kernel.shaped(buffer, argument.getType()));
  for (auto [result, buffer] : llvm::zip(body.front().getTerminator()->getOperands(), kernel.outputs))
    stores[result].push_back(kernel.shaped(buffer, result.getType()));
  plan.split == Split::rows ? emitRows() : emitColumns();
  if (e.failure)
    return decline(kernel.source, e.failure);
  kernel.finish(plan.tasks());
  return success();
}

//===--- Tasks -------------------------------------------------------------------------------===//

void RowwiseEmitter::emitRows() {
  SmallVector<int64_t> shape;
  for (const Group &group : plan.groups)
    for (Value root : group.roots)
      if (typeOf(root).getRank() >= plan.rowDims)
        shape.assign(typeOf(root).getShape().begin(), typeOf(root).getShape().begin() + plan.rowDims);
  Value size = constantIndex(b, plan.perTask);
  Value lo = arith::MulIOp::create(b, kernel.task, size);
  Value hi = arith::MinUIOp::create(b, arith::AddIOp::create(b, lo, size), constantIndex(b, plan.rows));
  auto oneRow = [&](Value linear) {
    Evaluator::Scope scope(e);
    SmallVector<Lanes> row(plan.rowDims);
    Lanes rest{linear};
    for (int64_t d = plan.rowDims - 1; d >= 0; --d) {
      row[d] = d ? e.mod(rest, shape[d]) : rest;
      rest = d ? e.floordiv(rest, shape[d]) : rest;
    }
    readOverwritten(row);
    for (Value argument : plan.copies)
      putAside(argument, row);
    for (const Group &group : plan.groups)
      this->group(group, row);
  };
  if (team.shape.stayTogether)
    return oneRow(team.row(lo));
  forLoop(b, team.row(lo), hi, team.shape.down, {}, [&](Value linear, ValueRange) -> Carried {
    oneRow(linear);
    return {};
  });
}

/// Loads the arguments that have one element for each row and that results overwrite, before anything is written.
void RowwiseEmitter::readOverwritten(ArrayRef<Lanes> row) {
  for (int64_t input : getKernel(body).getOverwritten())
    if (input >= 0 && typeOf(body.getArgument(input)).getRank() == 1 && row.size() == 1)
      e.element(body.getArgument(input), row);
}

void RowwiseEmitter::putAside(Value argument, ArrayRef<Lanes> row) {
  ArrayRef<int64_t> shape = typeOf(argument).getShape().drop_front(row.size());
  Value copy = rowStores.lookup(argument);
  if (!copy)
    copy = rowStores[argument] = team.scratch(shape, typeOf(argument).getElementType());
  nest(shape, true, SmallVector<Lanes>(row),
       [&](ArrayRef<Lanes> at) { e.store(e.element(argument, at), copy, at.drop_front(row.size())); });
  team.syncAcross();
  e.bind(argument, copy, row, /*dropsOwned=*/true);
}

void RowwiseEmitter::emitColumns() {
  int64_t span = team.shape.span(), step = plan.unroll * span, whole = plan.columns / step * step;
  Value size = constantIndex(b, plan.perTask);
  Value lo = arith::MulIOp::create(b, kernel.task, size);
  Value hi = arith::MinUIOp::create(b, arith::AddIOp::create(b, lo, size), constantIndex(b, whole));
  auto all = [&](Value base, int64_t extent) {
    Evaluator::Scope scope(e);
    columns.clear();
    for (int64_t at = 0; at < extent; at += span) {
      Value start = at ? arith::AddIOp::create(b, base, constantIndex(b, at)) : base;
      columns.push_back({team.lanes(start), at + span > extent ? team.mask(extent - at) : Value()});
    }
    // No barrier between groups: they read each other's results in registers, and an argument that a result overwrites
    // is read by the thread that writes the element, or before the barrier of a reduction.
    for (const Group &group : plan.groups)
      this->group(group, {});
  };
  forLoop(b, lo, hi, step, {}, [&](Value base, ValueRange) -> Carried {
    all(base, step);
    return {};
  });
  if (whole < plan.columns)
    ifEqual(b, kernel.task, plan.tasks() - 1, [&] { all(constantIndex(b, whole), plan.columns - whole); });
}

void RowwiseEmitter::group(const Group &group, ArrayRef<Lanes> row) {
  bool byColumns = plan.split == Split::columns;
  SmallVector<Value> inMemory;
  for (Value root : group.roots) {
    int64_t rank = typeOf(root).getRank();
    if (rank < int64_t(row.size()) || (byColumns && (rank == 0 || typeOf(root).getShape().back() != plan.columns)))
      return fail("its results do not all have the rows, or columns, that tasks share out");
    if (rank == int64_t(row.size()) || byColumns)
      continue; // lives in registers, or is evaluated anew
    inMemory.push_back(root);
    if (!stores.count(root))
      rowStores[root] = team.scratch(typeOf(root).getShape().drop_front(row.size()), typeOf(root).getElementType());
  }
  if (reductionOf(group.roots[0]))
    reduction(group.roots[0], row);
  else
    parallel(group.roots, row);
  for (Value root : inMemory) {
    Value scratch = rowStores.lookup(root);
    e.bind(root, scratch ? scratch : stores[root][0], row, /*dropsOwned=*/bool(scratch));
  }
  if (!byColumns)
    team.syncAcross();
}

void RowwiseEmitter::keep(ArrayRef<Value> roots, ArrayRef<Lanes> at, ArrayRef<Lanes> values) {
  auto store = [&] {
    for (auto [root, value] : llvm::zip(roots, values)) {
      if (auto found = stores.find(root); found != stores.end())
        for (Value buffer : found->second)
          e.store(value, buffer, at);
      if (Value scratch = rowStores.lookup(root))
        e.store(value, scratch, at.drop_front(plan.rowDims));
    }
  };
  for (auto [root, value] : llvm::zip(roots, values))
    e.define(root, at, value);
  // Where several threads compute the same element, a barrier separates their reads from the write of one of them.
  bool sameRows = plan.split == Split::columns && (at.size() == 1 || reductionOf(roots[0]));
  bool sameLanes = llvm::all_of(at, [](Lanes index) { return index.isUniform(); });
  if (sameRows)
    team.byFirstRow(store);
  else if (sameLanes)
    team.byFirstAcross(store);
  else
    store();
}

//===--- Loops of a task ---------------------------------------------------------------------===//

void RowwiseEmitter::withColumn(const Column &column, llvm::function_ref<void()> body) {
  e.mask = column.mask;
  body();
  e.mask = Value();
}

void RowwiseEmitter::vectors(int64_t extent, llvm::function_ref<void(Lanes)> body) {
  int64_t span = team.shape.span(), whole = extent / span * span;
  if (whole)
    forLoop(b, constantIndex(b, 0), constantIndex(b, whole), span, {}, [&](Value base, ValueRange) -> Carried {
      Evaluator::Scope scope(e);
      body(team.lanes(base));
      return {};
    });
  if (whole < extent) {
    Evaluator::Scope scope(e);
    e.mask = team.mask(extent - whole);
    body(team.lanes(constantIndex(b, whole)));
  }
}

void RowwiseEmitter::nest(ArrayRef<int64_t> extents, bool vectorises, SmallVector<Lanes> outer, AtIndices body,
                          bool shares) {
  if (extents.empty())
    return body(outer);
  if (vectorises && extents.size() == 1)
    return vectors(extents[0], [&](Lanes index) {
      outer.push_back(index);
      body(outer);
      outer.pop_back();
    });
  Value zero = constantIndex(b, 0);
  forLoop(b, shares ? team.row(zero) : zero, constantIndex(b, extents[0]), shares ? team.shape.down : 1, {},
          [&](Value iv, ValueRange) -> Carried {
            Evaluator::Scope scope(e);
            outer.push_back({iv});
            nest(extents.drop_front(), vectorises, outer, body);
            outer.pop_back();
            return {};
          });
}

void RowwiseEmitter::parallel(ArrayRef<Value> roots, ArrayRef<Lanes> row) {
  auto all = [&](ArrayRef<Lanes> at) {
    // Everything is read before anything is written: a result may overwrite an argument.
    SmallVector<Lanes> values;
    for (Value root : roots)
      values.push_back(e.element(root, at));
    keep(roots, at, values);
  };
  ArrayRef<int64_t> extents = typeOf(roots[0]).getShape().drop_front(row.size());
  if (plan.split == Split::rows)
    return nest(extents, true, SmallVector<Lanes>(row), all);
  nest(
      extents.drop_back(), false, {},
      [&](ArrayRef<Lanes> outer) {
        for (const Column &column : columns)
          withColumn(column, [&] {
            SmallVector<Lanes> at(outer);
            at.push_back(column.index);
            all(at);
          });
      },
      /*shares=*/true);
}

//===--- Reductions --------------------------------------------------------------------------===//

std::optional<Reduction> RowwiseEmitter::match(Value root) {
  Reduction r;
  r.op = reductionOf(root);
  r.result = root;
  unsigned number = cast<OpResult>(root).getResultNumber();
  r.init = r.op.getDpsInits()[number];
  Value accumulator = r.op.getRegionOutputArgs()[number];
  r.combiner = r.op.getBody()->getTerminator()->getOperand(number).getDefiningOp();
  if (!r.combiner || r.combiner->getNumOperands() != 2 || !accumulator.hasOneUse() ||
      !llvm::is_contained(r.combiner->getOperands(), accumulator) || !arith::getNeutralElement(r.combiner))
    return std::nullopt;
  r.term = r.combiner->getOperand(r.combiner->getOperand(0) == accumulator);
  AffineMap out = r.op.getMatchingIndexingMap(r.op.getDpsInitOperand(number));
  if (!out.isProjectedPermutation())
    return std::nullopt;
  for (unsigned i = 0; i < out.getNumResults(); ++i)
    r.parallel.push_back(out.getDimPosition(i));
  r.op.getReductionDims(r.reduced);
  r.lastIsReduced = r.reduced.back() + 1 == r.op.getNumLoops();
  return r;
}

Value RowwiseEmitter::combine(Reduction &r, Value x, Value y) {
  OperationState state(r.op.getLoc(), r.combiner->getName());
  state.addOperands({x, y});
  state.addTypes(x.getType());
  state.addAttributes(r.combiner->getAttrs());
  return b.create(state)->getResult(0);
}

Value RowwiseEmitter::neutral(Reduction &r) {
  TypedAttr scalar = *arith::getNeutralElement(r.combiner);
  return arith::ConstantOp::create(b, SplatElementsAttr::get(e.vectorOf(scalar.getType()), Attribute(scalar)));
}

Value RowwiseEmitter::step(Reduction &r, ArrayRef<Lanes> dims, Value acc) {
  DenseMap<Value, Lanes> known;
  Value term = e.vector(e.scalar(r.term, r.op, dims, known));
  if (e.mask)
    term = arith::SelectOp::create(b, e.mask, term, neutral(r));
  return combine(r, acc, term);
}

Carried RowwiseEmitter::accumulate(Reduction &r, ArrayRef<unsigned> loops, SmallVector<Lanes> dims,
                                   ValueRange carried) {
  if (loops.empty()) {
    Carried next(carried);
    if (plan.split == Split::rows)
      next[0] = step(r, dims, carried[0]);
    else
      for (auto [acc, column] : llvm::zip(next, columns))
        withColumn(column, [&, &acc = acc, &column = column] {
          dims.back() = column.index;
          acc = step(r, dims, acc);
        });
    return next;
  }
  unsigned loop = loops[0];
  int64_t extent = r.op.getStaticLoopRanges()[loop];
  bool inVectors = r.lastIsReduced && loops.size() == 1;
  // Columns: threads share out the rows, which the first loop is over.
  bool shares = plan.split == Split::columns && loops.size() == r.reduced.size();
  int64_t stride = inVectors ? team.shape.span()
                   : shares  ? team.shape.down
                             : 1,
          whole = inVectors ? extent / stride * stride : extent;
  auto body = [&](Lanes index, ValueRange inner) {
    Evaluator::Scope scope(e);
    dims[loop] = index;
    return accumulate(r, loops.drop_front(), dims, inner);
  };
  Carried next(carried);
  if (whole)
    next = forLoop(b, shares ? team.row(constantIndex(b, 0)) : constantIndex(b, 0), constantIndex(b, whole), stride,
                   carried,
                   [&](Value iv, ValueRange inner) { return body(inVectors ? team.lanes(iv) : Lanes{iv}, inner); });
  if (whole < extent) {
    Evaluator::Scope scope(e);
    e.mask = team.mask(extent - whole);
    next = body(team.lanes(constantIndex(b, whole)), next);
  }
  return next;
}

void RowwiseEmitter::reduction(Value root, ArrayRef<Lanes> row) {
  std::optional<Reduction> matched = match(root);
  if (!matched)
    return fail("a reduction is no sum, maximum or the like of one value");
  Reduction &r = *matched;
  bool byColumns = plan.split == Split::columns;
  // The last loop runs in vectors: it is reduced, or the last dim of the result.
  if (r.lastIsReduced ? byColumns : r.parallel.back() + 1 != r.op.getNumLoops())
    return fail("a reduction's last loop is not the one that runs in vectors");
  ArrayRef<int64_t> extents = typeOf(root).getShape().drop_front(row.size());
  auto sum = [&](ArrayRef<Lanes> at) {
    SmallVector<Lanes> dims(r.op.getNumLoops());
    for (auto [loop, index] : llvm::zip(r.parallel, at))
      dims[loop] = index;
    Carried start(byColumns ? columns.size() : 1, neutral(r));
    return accumulate(r, r.reduced, dims, start);
  };
  auto finish = [&](ArrayRef<Lanes> at, Value acc) {
    Lanes init = e.element(r.init, at);
    auto both = [&](Value x, Value y) { return combine(r, x, y); };
    Value total = r.lastIsReduced ? combine(r, init.v, team.combineAcross(acc, both)) : combine(r, e.vector(init), acc);
    keep(root, at, Lanes{total});
  };
  if (!byColumns)
    return nest(extents, !r.lastIsReduced, SmallVector<Lanes>(row),
                [&](ArrayRef<Lanes> at) { finish(at, sum(at)[0]); });
  nest(extents.drop_back(), false, {}, [&](ArrayRef<Lanes> outer) {
    Carried sums = sum(outer);
    for (Value &acc : sums)
      acc = team.combineDown(acc, [&](Value x, Value y) { return combine(r, x, y); });
    for (auto [column, acc] : llvm::zip(columns, sums))
      withColumn(column, [&, &column = column, &acc = acc] {
        SmallVector<Lanes> at(outer);
        at.push_back(column.index);
        finish(at, acc);
      });
  });
}

//===--- The emitter -------------------------------------------------------------------------===//

LogicalResult nanochat::emitRowwise(func::FuncOp kernel, llvm::function_ref<TeamShape(RowwisePlan &)> arrange) {
  if (!kernel.getBody().hasOneBlock())
    return decline(kernel, "its body has several blocks");
  OwningOpRef<func::FuncOp> body = kernel.clone();
  flatten(*body);
  FailureOr<RowwisePlan> plan = planRowwise(*body, kSumLanes);
  if (failed(plan))
    return decline(kernel, "no order of its loops has every tensor read before it is overwritten");
  TeamShape team = arrange(*plan);
  if (failed(RowwiseEmitter(kernel, *body, *plan, team).emit()))
    return failure();
  return expandMath(kernel);
}

LogicalResult nanochat::emitRowwise(func::FuncOp kernel, const Target &) {
  return emitRowwise(kernel, [](RowwisePlan &) { return TeamShape{kSumLanes}; });
}
