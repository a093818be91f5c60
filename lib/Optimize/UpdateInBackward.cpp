// Updates of stacked parameters happen in the loop that forms their gradients, so that no stack of gradients exists.
#include "dialect/Linalg.h"
#include "dialect/StepIR.h"
#include "dialect/ops/quantize/Blocks.h"
#include "lib/Optimize/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_UPDATEINBACKWARDPASS
#include "lib/Optimize/Passes.h.inc"

namespace {
/// `next` where all of `numbers`, of rank 0, are finite, else `before`.
Value whereFinite(ImplicitLocOpBuilder &b, Value next, Value before, ArrayRef<Value> numbers) {
  auto type = typeOf(next);
  AffineMap full = b.getMultiDimIdentityMap(type.getRank()), scalar = AffineMap::get(type.getRank(), 0, b.getContext());
  SmallVector<Value> inputs{next, before};
  SmallVector<AffineMap> maps{full, full};
  for (Value number : numbers)
    inputs.push_back(number), maps.push_back(scalar);
  return pointwise(b, type, inputs, maps, [](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    Value isFinite;
    for (Value number : v.drop_front(2)) {
      Value most = constant(s, number.getType(), std::numeric_limits<double>::infinity());
      Value is = arith::CmpFOp::create(s, arith::CmpFPredicate::OLT, math::AbsFOp::create(s, number), most);
      isFinite = isFinite ? arith::AndIOp::create(s, isFinite, is) : is;
    }
    return arith::SelectOp::create(s, isFinite, v[0], v[1]);
  });
}

/// What an entry is given of a parameter or a state, and what one matrix of it has of that: a slice, or all of it.
struct Part {
  Value whole;
  BindAttr binding;
  RankedTensorType element;
  bool isShared() const { return element.getRank() == 0; }
  /// Is the whole what a stack of `count` elements is, maybe under another shape?
  bool isStack(int64_t count) const {
    auto type = typeOf(whole);
    bool hasRows = element.getRank() < 2 || type.getShape().back() == element.getShape().back();
    return hasRows && type.getNumElements() == count * element.getNumElements();
  }
};

/// Moves update rules of one phase into its gradients.
class Mover {
public:
  Mover(func::FuncOp gradients, func::FuncOp update)
      : gradients(gradients), update(update), first(&gradients.getBody().front().front()), rewriter(update) {}

  /// Fails where a rule of a parameter that a loop slices cannot be moved; leaves others where they are.
  LogicalResult move(OptimizerOpInterface rule);

private:
  static Operation *endOf(func::FuncOp entry) { return entry.getBody().front().getTerminator(); }
  std::optional<unsigned> findResult(BindingKind kind, StringRef name);
  Value loss() { return endOf(gradients)->getOperand(*findResult(BindingKind::output, "loss")); }
  InFlightDiagnostic refuse(OptimizerOpInterface rule, const Twine &why);
  LogicalResult check(OptimizerOpInterface rule, StringRef name, Value whole);
  FailureOr<Value> inGradients(OptimizerOpInterface rule, Value value);
  FailureOr<SmallVector<Part>> partsOf(OptimizerOpInterface rule, int64_t count);
  LoopOp updateIn(LoopOp loop, unsigned gradient, OptimizerOpInterface rule, ArrayRef<Part> parts);
  void returnUpdated(LoopOp loop, unsigned gradient, ArrayRef<Part> parts);
  void keepShared(OptimizerOpInterface rule, ArrayRef<Part> parts);

  func::FuncOp gradients, update;
  Operation *first; // of the gradients; what they need of the update stands before it
  IRRewriter rewriter;
  IRMapping scalars; // of the update, in the gradients
};
} // namespace

std::optional<unsigned> Mover::findResult(BindingKind kind, StringRef name) {
  for (unsigned i = 0; i < gradients.getNumResults(); ++i)
    if (BindAttr bound = getResultBinding(gradients, i); bound.getKind() == kind && bound.getTensorName() == name)
      return i;
  return std::nullopt;
}

InFlightDiagnostic Mover::refuse(OptimizerOpInterface rule, const Twine &why) {
  InFlightDiagnostic diag = rule->emitOpError("cannot update in the backward pass: ") << why;
  diag.attachNote() << "--update=after keeps gradients until the backward pass is over";
  return diag;
}

LogicalResult Mover::check(OptimizerOpInterface rule, StringRef name, Value whole) {
  ProgramOp program = getProgram(update->getParentOfType<ModuleOp>());
  for (auto [size, parts] : {std::pair("accum", "micro-batches (accum)"), std::pair("ways", "parts of a step (ways)")})
    if (int64_t count = sizeOr(program, size, 1); count > 1)
      return refuse(rule, "gradients are sums over " + Twine(count) + " " + parts);
  auto loop = whole.getDefiningOp<LoopOp>();
  if (!loop || cast<OpResult>(whole).getResultNumber() < loop.getNumCarries() ||
      loop->getBlock() != &gradients.getBody().front())
    return refuse(rule, "'" + name + "' is shared: its gradient is a sum over its uses, such as iterations of a loop");
  if (failed(moveValueDefinitions(rewriter, loss(), loop)))
    return refuse(rule, "the loss is known once the loop is over that forms the gradient of '" + name + "'");
  if (isa<ProjectingOptimizerOpInterface>(rule.getOperation()) || rule.drawsRandom())
    return refuse(rule, "the rule has gradients of '" + name +
                            "' projected, or draws random numbers, for all of its "
                            "matrices");
  return success();
}

/// What the gradients have of a scalar of the update.
FailureOr<Value> Mover::inGradients(OptimizerOpInterface rule, Value value) {
  if (Value known = scalars.lookupOrNull(value))
    return known;
  if (isa<BlockArgument>(value)) {
    BindAttr binding = getArgBinding(update, value);
    if (binding.getKind() == BindingKind::output)
      return refuse(rule, "it scales by a factor of the global norm, which is known once all gradients are; the "
                          "optimizer's grad_scale says so");
    scalars.map(value, argumentOf(gradients, value.getType(), binding));
    return scalars.lookup(value);
  }
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    if (failed(inGradients(rule, operand)))
      return failure();
  rewriter.setInsertionPoint(first);
  rewriter.clone(*op, scalars);
  return scalars.lookup(value);
}

/// The parameter and the states of `rule`, as the gradients entry is given them.
FailureOr<SmallVector<Part>> Mover::partsOf(OptimizerOpInterface rule, int64_t count) {
  auto element = LoopOp::sliceOf(rule->getOperand(0).getType());
  SmallVector<RankedTensorType> types{element};
  for (const OptimizerState &state : formOf(rule->getName(), rule->getAttrDictionary(), element).states)
    types.push_back(cast<RankedTensorType>(state.type));
  SmallVector<Value> values{rule->getOperand(0)};
  llvm::append_range(values, rule->getOperands().drop_front(4));
  SmallVector<Part> parts;
  for (auto [value, type] : llvm::zip_equal(values, types)) {
    BindAttr binding = getArgBinding(update, value);
    Part part{argumentOf(gradients, value.getType(), binding), binding, type};
    if (part.isShared() ? value.getType() != type : !part.isStack(count))
      return refuse(rule, "its state '" + binding.getTensorName() + "' is not one for each matrix");
    parts.push_back(part);
  }
  return parts;
}

/// The loop with `rule` behind the gradient. Its last stacks are the norms of the gradient, and of all parts that are
/// not shared what the rule makes of them.
LoopOp Mover::updateIn(LoopOp loop, unsigned gradient, OptimizerOpInterface rule, ArrayRef<Part> parts) {
  YieldOp yield = loop.getYield();
  Location loc = rule->getLoc();
  Value g = yield->getOperand(gradient);
  ImplicitLocOpBuilder outside(loc, loop), b(loc, rewriter);
  b.setInsertionPointAfterValue(g);
  SmallVector<Value> slices(loop.getSlices()), before;
  SmallVector<Type> types;
  for (const Part &part : parts) {
    types.push_back(part.element);
    if (part.isShared()) {
      before.push_back(part.whole);
      continue;
    }
    slices.push_back(reshape(outside, part.whole, loop.stackOf(part.element).getShape()));
    before.push_back(loop.getBody().addArgument(part.element, loc));
  }
  Value norm = GradNormOp::create(b, g);
  SmallVector<Value> finite{norm, loss()};
  if (auto scale = rule->getOperand(1).getDefiningOp<ScaleOp>()) {
    finite.push_back(scalars.lookup(scale.getS()));
    g = ScaleOp::create(b, g, finite.back());
  }
  // So that all of the rule is behind the norm, and one kernel with the choice between what is new and what was.
  g = whereFinite(b, g, constant(b, g.getType(), 0), finite);
  SmallVector<Value> operands{before[0], g, scalars.lookup(rule->getOperand(2)), scalars.lookup(rule->getOperand(3))};
  llvm::append_range(operands, ArrayRef(before).drop_front());
  Operation *step = b.create(OperationState(loc, rule->getName(), operands, types, rule->getAttrs()));
  yield.getStacksMutable().append(norm);
  for (auto [part, old, next] : llvm::zip(parts, before, step->getResults()))
    if (!part.isShared())
      yield.getStacksMutable().append(whereFinite(b, next, old, finite));
  return loop.rebuild(rewriter, loop.getInits(), slices);
}

/// The gradients entry returns what `loop` made of `parts` instead of result number `gradient`, its own.
void Mover::returnUpdated(LoopOp loop, unsigned gradient, ArrayRef<Part> parts) {
  endOf(gradients)->eraseOperand(gradient);
  (void)gradients.eraseResult(gradient);
  rewriter.setInsertionPointAfter(loop);
  ImplicitLocOpBuilder b(loop.getLoc(), rewriter);
  unsigned last = loop.getNumResults() - llvm::count_if(parts, [](const Part &part) { return !part.isShared(); });
  for (const Part &part : parts) {
    if (part.isShared())
      continue;
    Value next = reshape(b, loop.getResult(last++), typeOf(part.whole).getShape());
    endOf(gradients)->insertOperands(gradients.getNumResults(), next);
    (void)gradients.insertResult(gradients.getNumResults(), next.getType(), besideBinding(part.binding));
  }
}

/// The update keeps of `rule` what it makes of states that all matrices share, such as a count of steps: that of a rule
/// on zeros, of which nothing else is of use.
void Mover::keepShared(OptimizerOpInterface rule, ArrayRef<Part> parts) {
  ImplicitLocOpBuilder b(rule->getLoc(), rule);
  SmallVector<Value> operands;
  SmallVector<Type> types;
  for (auto [i, part] : llvm::enumerate(parts)) {
    operands.push_back(part.isShared() ? rule->getOperand(i + 3) : constant(b, part.element, 0));
    types.push_back(part.element);
  }
  Value zero = operands.front();
  operands.insert(operands.begin() + 1, {zero, rule->getOperand(2), rule->getOperand(3)});
  Operation *kept = b.create(OperationState(rule->getLoc(), rule->getName(), operands, types, rule->getAttrs()));
  for (unsigned i = endOf(update)->getNumOperands(); i-- > 0;) {
    auto result = dyn_cast<OpResult>(endOf(update)->getOperand(i));
    if (!result || result.getOwner() != rule)
      continue;
    if (parts[result.getResultNumber()].isShared()) {
      endOf(update)->setOperand(i, kept->getResult(result.getResultNumber()));
      continue;
    }
    endOf(update)->eraseOperand(i);
    (void)update.eraseResult(i);
  }
  rewriter.eraseOp(rule);
  for (unsigned i = update.getNumArguments(); i-- > 0;)
    if (llvm::all_of(update.getArgument(i).getUsers(), isOpTriviallyDead)) {
      for (Operation *user : llvm::make_early_inc_range(update.getArgument(i).getUsers()))
        rewriter.eraseOp(user);
      (void)update.eraseArgument(i);
    }
}

LogicalResult Mover::move(OptimizerOpInterface rule) {
  Value gradient = rule->getOperand(1);
  SmallVector<Value> needed{rule->getOperand(2), rule->getOperand(3)};
  if (auto scale = gradient.getDefiningOp<ScaleOp>()) {
    gradient = scale.getX();
    needed.push_back(scale.getS());
  }
  BindAttr binding = getArgBinding(update, rule->getOperand(0));
  Value param = argumentOf(gradients, rule->getOperand(0).getType(), binding);
  bool isStack = llvm::any_of(param.getUsers(), [&](Operation *user) {
    auto loop = dyn_cast<LoopOp>(user);
    return loop && llvm::is_contained(loop.getSlices(), param);
  });
  if (!isStack)
    return success();
  unsigned number = *findResult(BindingKind::gradient, binding.getTensorName());
  Value whole = endOf(gradients)->getOperand(number);
  if (failed(check(rule, binding.getTensorName(), whole)))
    return failure();
  for (Value value : needed)
    if (failed(inGradients(rule, value)))
      return failure();
  auto loop = whole.getDefiningOp<LoopOp>();
  FailureOr<SmallVector<Part>> parts = partsOf(rule, loop.getCount());
  if (failed(parts))
    return failure();
  unsigned results = loop.getNumResults();
  LoopOp updating = updateIn(loop, cast<OpResult>(whole).getResultNumber(), rule, *parts);
  // The global norm is that of the matrices' norms.
  whole.replaceUsesWithIf(updating.getResult(results), [](OpOperand &use) { return isa<GradNormOp>(use.getOwner()); });
  rewriter.replaceOp(loop, updating.getResults().take_front(results));
  returnUpdated(updating, number, *parts);
  keepShared(rule, *parts);
  return success();
}

namespace {
struct UpdateInBackwardPass : impl::UpdateInBackwardPassBase<UpdateInBackwardPass> {
  void runOnOperation() override {
    for (func::FuncOp update : getEntries(getOperation())) {
      EntryAttr entry = getEntry(update);
      if (entry.getKind() != EntryKind::update)
        continue;
      Mover mover(findEntry(getOperation(), EntryKind::gradients, entry.getPhase()), update);
      for (auto rule : llvm::to_vector(update.getOps<OptimizerOpInterface>()))
        if (failed(mover.move(rule)))
          return signalPassFailure();
    }
  }
};
} // namespace
} // namespace mlir::nanochat
