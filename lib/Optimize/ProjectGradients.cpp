// Gradients that a rule wants projected are projected where their terms are formed.
//
// A gradient is a sum over contributions: micro-batches, LoopLM steps and uses of a weight are loops around the product
// that forms one. The projection of the sum is the sum of projections, and that of a product costs less than the
// product, so no whole gradient ever exists. The basis is threaded along the same loops; where it is due, the first
// contribution gives a new one, to which the others are projected as well.
#include "dialect/Linalg.h"
#include "dialect/StepIR.h"
#include "lib/Optimize/Passes.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_PROJECTGRADIENTSPASS
#include "lib/Optimize/Passes.h.inc"

namespace {
/// The basis at one level of loops, and which matrices still take a new one (null: none).
struct Basis {
  Value value, due;
  int64_t visits = 1; // of the place where it is taken, in a step for each matrix
};

/// Projects one gradient.
class Projector {
public:
  Projector(ProjectingOptimizerOpInterface rule, RankedTensorType param, RankedTensorType gradient, Value stream,
            Value step, RewriterBase &rewriter)
      : rule(rule), param(param), gradient(gradient), stream(stream), step(step), rewriter(rewriter) {}

  /// The projection of `g` on a basis that is updated on the way; null where `g` has another form.
  Value project(Value g, Basis &basis);

private:
  Value projectLoop(LoopOp loop, unsigned number, Basis &basis);
  Value projectTerm(Value g, Basis &basis);
  Value refresh(Value g, Basis basis);
  Value multiply(Value g, Value basis);
  bool findSlices(Value element, LoopOp loop, Basis &outer, SmallVectorImpl<std::pair<unsigned, Value>> &found);
  /// The type of the projection of a gradient, whole or of one matrix, of type `g`.
  RankedTensorType projected(Value g) {
    return typeOf(g).getRank() < gradient.getRank() ? LoopOp::sliceOf(gradient) : gradient;
  }
  bool isTall() { return param.getShape().end()[-2] > param.getShape().end()[-1]; }

  ProjectingOptimizerOpInterface rule;
  RankedTensorType param, gradient;
  Value stream, step;
  RewriterBase &rewriter;
  DenseMap<Value, Value> done; // block arguments
};
} // namespace

Value Projector::project(Value g, Basis &basis) {
  if (Value known = done.lookup(g))
    return known;
  Location loc = g.getLoc();
  if (matchPattern(g, m_AnyZeroFloat())) {
    rewriter.setInsertionPointAfterValue(g);
    ImplicitLocOpBuilder b(loc, rewriter);
    return constant(b, projected(g), 0.0);
  }
  Operation *op = g.getDefiningOp();
  if (auto sum = dyn_cast_or_null<arith::AddFOp>(op)) {
    Value lhs = project(sum.getLhs(), basis), rhs = lhs ? project(sum.getRhs(), basis) : Value();
    if (!rhs)
      return Value();
    rewriter.setInsertionPointAfter(sum);
    return arith::AddFOp::create(rewriter, loc, lhs, rhs);
  }
  if (auto scale = dyn_cast_or_null<ScaleOp>(op)) {
    Value x = project(scale.getX(), basis);
    rewriter.setInsertionPointAfter(scale);
    return x ? Value(ScaleOp::create(rewriter, loc, x, scale.getS())) : Value();
  }
  if (auto loop = dyn_cast_or_null<LoopOp>(op))
    return projectLoop(loop, cast<OpResult>(g).getResultNumber(), basis);
  return op && typeOf(g).getRank() == 2 && typeOf(basis.value).getRank() == 2 ? projectTerm(g, basis) : Value();
}

/// Terms that `element` adds up and `loop` slices from outside, projected there.
bool Projector::findSlices(Value element, LoopOp loop, Basis &outer,
                           SmallVectorImpl<std::pair<unsigned, Value>> &found) {
  if (auto sum = element.getDefiningOp<arith::AddFOp>())
    return findSlices(sum.getLhs(), loop, outer, found) && findSlices(sum.getRhs(), loop, outer, found);
  Value stack = loop.getSlicedStack(element);
  if (!stack)
    return true;
  Value whole = project(stack, outer);
  if (whole)
    found.push_back({cast<BlockArgument>(element).getArgNumber(), whole});
  return bool(whole);
}

/// The loop carries or stacks the projection instead; what it made before is for others to remove.
Value Projector::projectLoop(LoopOp loop, unsigned number, Basis &basis) {
  unsigned carries = loop.getNumCarries(), results = loop.getNumResults();
  bool isCarry = number < carries;
  YieldOp yield = loop.getYield();
  Value element = yield->getOperand(number);
  SmallVector<Value> inits, slices;
  SmallVector<std::pair<unsigned, Value>> terms; // argument, and the projection of what it slices
  if (isCarry) {
    Value init = project(loop.getInits()[number], basis);
    if (!init)
      return Value();
    inits = {init, basis.value};
    if (basis.due)
      inits.push_back(basis.due);
  } else {
    if (!findSlices(element, loop, basis, terms))
      return Value();
    slices = {basis.value};
    if (basis.due)
      slices.push_back(basis.due);
    for (auto &[argument, whole] : terms)
      slices.push_back(whole);
  }
  Block &body = loop.getBody().front();
  auto addArguments = [&](ValueRange values, unsigned at, bool isSlice) {
    for (auto [i, value] : llvm::enumerate(values))
      body.insertArgument(at + i, isSlice ? LoopOp::sliceOf(value.getType()) : typeOf(value), loop.getLoc());
    return body.getArguments().slice(at, values.size());
  };
  auto args = isCarry ? addArguments(inits, carries, false) : addArguments(slices, body.getNumArguments(), true);
  if (isCarry)
    done[loop.getCarryArgs()[number]] = args[0];
  for (auto [i, term] : llvm::enumerate(terms))
    done[body.getArgument(term.first)] = args[1 + bool(basis.due) + i];
  Basis inner{args[isCarry], basis.due ? Value(args[isCarry + 1]) : Value(),
              basis.visits * (isCarry ? int64_t(loop.getCount()) : 1)};
  Value next = project(element, inner);
  if (!next)
    return Value();
  SmallVector<Value> all(loop.getInits()), sliced(loop.getSlices());
  if (isCarry) {
    yield.getValuesMutable().append({next, inner.value});
    if (basis.due) { // The first iteration took them all.
      rewriter.setInsertionPoint(yield);
      ImplicitLocOpBuilder b(loop.getLoc(), rewriter);
      yield.getValuesMutable().append(constant(b, basis.due.getType(), 0));
    }
    llvm::append_range(all, inits);
  } else {
    yield.getStacksMutable().append({next, inner.value});
    llvm::append_range(sliced, slices);
  }
  LoopOp rebuilt = loop.rebuild(rewriter, all, sliced);
  SmallVector<Value> old(rebuilt.getResults());
  unsigned at = isCarry ? carries : results;
  Value result = old[at];
  basis = {old[at + 1], Value()};
  old.erase(old.begin() + at, old.begin() + at + (isCarry ? inits.size() : 2));
  rewriter.replaceOp(loop, old);
  return result;
}

/// A product, or whatever else makes a matrix of one contribution.
Value Projector::projectTerm(Value g, Basis &basis) {
  rewriter.setInsertionPointAfterValue(g);
  if (Operation *def = basis.value.getDefiningOp();
      def && def->getBlock() == g.getParentBlock() && g.getDefiningOp()->isBeforeInBlock(def))
    rewriter.setInsertionPointAfter(def);
  if (basis.due)
    basis = {refresh(g, basis), Value()};
  return multiply(g, basis.value);
}

Value Projector::refresh(Value g, Basis basis) {
  ImplicitLocOpBuilder b(g.getLoc(), rewriter);
  Operation *term = g.getDefiningOp();
  auto loop =
      LoopOp::create(b, "refresh", 1, basis.value, ValueRange(), false, [&](ImplicitLocOpBuilder &in, auto, auto) {
        // Formed again in here, where it is needed as a whole.
        Value whole = isa_and_nonnull<MatmulOp>(term) ? in.clone(*term)->getResult(0) : g;
        YieldOp::create(in, rule.buildBasis(in, whole, stream, basis.due, step), ValueRange());
      });
  loop.getLimitMutable().assign(basis.due);
  loop->setAttr(kPeriodAttr, b.getI64IntegerAttr(rule.getBasisPeriod() * basis.visits));
  return loop.getResult(0);
}

/// Pᵀ·G, or G·P of tall matrices; factors of G first.
Value Projector::multiply(Value g, Value basis) {
  Location loc = g.getLoc();
  auto matmul = [&](Value x, bool transX, Value y, bool transY) -> Value {
    return MatmulOp::create(rewriter, loc, x, y, transX, transY);
  };
  auto product = g.getDefiningOp<MatmulOp>();
  if (!product)
    return isTall() ? matmul(g, false, basis, false) : matmul(basis, true, g, false);
  if (isTall())
    return matmul(product.getA(), product.getTransA(), matmul(product.getB(), product.getTransB(), basis, false),
                  false);
  return matmul(matmul(product.getA(), !product.getTransA(), basis, false), true, product.getB(), product.getTransB());
}

namespace {
struct ProjectGradientsPass : impl::ProjectGradientsPassBase<ProjectGradientsPass> {
  void runOnOperation() override {
    for (func::FuncOp update : getEntries(getOperation())) {
      EntryAttr entry = getEntry(update);
      if (entry.getKind() != EntryKind::update)
        continue;
      func::FuncOp gradients = findEntry(getOperation(), EntryKind::gradients, entry.getPhase());
      SmallVector<ProjectingOptimizerOpInterface> rules(update.getOps<ProjectingOptimizerOpInterface>());
      int64_t matrices = 0, first = 0;
      for (auto rule : rules)
        matrices += countMatrices(rule);
      for (auto rule : rules) {
        if (failed(project(gradients, update, rule, first, matrices)))
          return signalPassFailure();
        first += countMatrices(rule);
      }
    }
  }

  static RankedTensorType paramOf(ProjectingOptimizerOpInterface rule) { return typeOf(rule->getOperand(0)); }
  static int64_t countMatrices(ProjectingOptimizerOpInterface rule) {
    return paramOf(rule).getRank() == 3 ? paramOf(rule).getDimSize(0) : 1;
  }

  LogicalResult project(func::FuncOp gradients, func::FuncOp update, ProjectingOptimizerOpInterface rule, int64_t first,
                        int64_t of) {
    Builder attrs(&getContext());
    BindAttr param = getArgBinding(update, rule->getOperand(0)), basisAttr = getArgBinding(update, rule->getOperand(4)),
             countAttr = getArgBinding(update, rule->getOperands().back());
    std::optional<unsigned> number;
    for (unsigned i = 0; i < gradients.getNumResults(); ++i) {
      BindAttr bound = getResultBinding(gradients, i);
      if (bound.getKind() == BindingKind::gradient && bound.getTensor() == param.getTensor())
        number = i;
    }
    Operation *ret = gradients.getBody().front().getTerminator();
    Value whole = ret->getOperand(*number);
    IRRewriter rewriter(&getContext());
    Value start = argumentOf(gradients, rule->getOperand(4).getType(), basisAttr);
    Value count = argumentOf(gradients, rule->getOperands().back().getType(), countAttr);
    Value seed = argumentOf(gradients, RankedTensorType::get({2}, rewriter.getI32Type()),
                            BindAttr::get(&getContext(), BindingKind::input, kSeedInput));
    rewriter.setInsertionPointToStart(&gradients.getBody().front());
    Value stream = createUpdateStream(rewriter, rule.getLoc(), seed, param.getTensorName());
    auto integer = RankedTensorType::get({}, rewriter.getI32Type());
    Value step = arith::FPToSIOp::create(rewriter, rule.getLoc(), integer, count);
    auto dueType = paramOf(rule).getRank() == 3
                       ? RankedTensorType::get({paramOf(rule).getDimSize(0)}, rewriter.getI32Type())
                       : integer;
    Value due = RefreshScheduleOp::create(rewriter, rule.getLoc(), dueType, step, rule.getBasisPeriod(), first, of);
    Basis basis{start, due};
    Projector projector(rule, paramOf(rule), typeOf(rule->getOperand(1)), stream, step, rewriter);
    // Where the gradient goes: the entry's result and the global norm.
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : whole.getUses())
      uses.push_back(&use);
    Value projected = projector.project(whole, basis);
    if (!projected) {
      InFlightDiagnostic diag = rule.emitOpError("cannot project the gradient of '")
                                << param.getTensorName() << "', which is no sum of products in loops";
      diag.attachNote() << "give this parameter to a rule that takes whole gradients, such as \"adamw\" or \"muon8\"";
      return diag;
    }
    for (OpOperand *use : uses)
      use->set(projected);
    (void)gradients.insertResult(gradients.getNumResults(), basis.value.getType(), besideBinding(basisAttr));
    ret->insertOperands(ret->getNumOperands(), basis.value);
    gradients.setFunctionType(attrs.getFunctionType(gradients.getArgumentTypes(), ret->getOperandTypes()));
    return success();
  }
};
} // namespace
} // namespace mlir::nanochat
