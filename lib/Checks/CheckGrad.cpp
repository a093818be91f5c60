// Gradients against central differences.
//
// s(x) = Σ r ⊙ f(x) with fixed random r. <∇s, v> must equal (s(x + hv) − s(x − hv)) / 2h up to
// O(h²) and rounding, for every coordinate of a small argument and random directions of a large one.
// With quantisers, f is the function whose quantisers are frozen at x.
#include "dialect/Nanochat.h"
#include "lib/Checks/Gradient.h"
#include "lib/Checks/ModelLoss.h"
#include "lib/Checks/Passes.h"
#include "lib/Checks/StraightThrough.h"
#include "lib/Execution/Inputs.h"
#include "lib/Execution/Jit.h"
#include "lib/Reference/Passes.h"
#include "lib/Reference/Reference.h"
#include "mlir/Transforms/Passes.h"
#include <cmath>

namespace mlir::nanochat {
#define GEN_PASS_DEF_CHECKGRADPASS
#include "lib/Checks/Passes.h.inc"

namespace {
/// The function, its gradients, and one random point to compare them at.
class GradientChecker {
public:
  GradientChecker(func::FuncOp func, const GradientCheck &check)
      : func(func), check(check), module(ModuleOp::create(func.getLoc())), filler(0) {
    if (auto own = func->getAttrOfType<FloatAttr>("nanochat.tolerance"))
      this->check.tolerance = own.getValueAsDouble();
  }

  LogicalResult run() {
    return success(succeeded(buildFunctions()) && succeeded(drawPoint()) && succeeded(comparePolicies()) &&
                   succeeded(compareDifferences()));
  }

private:
  LogicalResult buildFunctions();
  LogicalResult buildGradient(StringRef name, Recompute policy, bool simplify);
  LogicalResult drawPoint();
  LogicalResult comparePolicies();
  LogicalResult compareDifferences();
  LogicalResult compareAlong(unsigned arg, const HostTensor &gradient, const HostTensor &direction, const Twine &name);
  func::FuncOp addCopy(StringRef name) {
    func::FuncOp copy = func.clone();
    copy.setName(name);
    copy.setPublic();
    module->push_back(copy);
    widenFloats(copy);
    return copy;
  }

  func::FuncOp func;
  GradientCheck check;
  OwningOpRef<ModuleOp> module;
  Filler filler;
  func::FuncOp value;                  // (inputs..., frozen...) -> (results...)
  func::FuncOp offsets;                // (inputs...) -> (frozen...); null without quantisers
  SmallVector<func::FuncOp> gradients; // (inputs..., weights...) -> (gradients...), one per policy
  std::unique_ptr<Jit> jit;
  std::vector<HostTensor> inputs, weights; // weights: r of every float result
  std::vector<HostTensor> frozen;          // Q(z) − z of the quantisers at `inputs`
  std::vector<HostTensor> found;           // the gradients at `inputs`
};
} // namespace

LogicalResult GradientChecker::buildGradient(StringRef name, Recompute policy, bool simplify) {
  func::FuncOp gradient = addCopy(name);
  gradient.walk([&](LoopOp loop) { loop.setRecompute(policy); });
  if (failed(rewriteToGradient(gradient)))
    return failure();
  gradients.push_back(gradient);
  if (!simplify)
    return success();
  PassManager pm(func.getContext(), func::FuncOp::getOperationName());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  return pm.run(gradient);
}

LogicalResult GradientChecker::buildFunctions() {
  value = addCopy("value");
  if (quantises(value)) {
    offsets = addCopy("offsets");
    rewriteToOffsets(offsets);
    if (failed(freezeQuantisers(value)))
      return failure();
  }
  if (failed(buildGradient("nothing", Recompute::nothing, false)))
    return failure();
  bool loops = func.walk([](LoopOp) { return WalkResult::interrupt(); }).wasInterrupted();
  if (loops && (failed(buildGradient("cheap", Recompute::cheap, false)) ||
                failed(buildGradient("body", Recompute::body, false)) ||
                failed(buildGradient("simplified nothing", Recompute::nothing, true)) ||
                failed(buildGradient("simplified body", Recompute::body, true))))
    return failure();
  SmallVector<func::FuncOp> entries(gradients);
  entries.push_back(value);
  if (offsets)
    entries.push_back(offsets);
  // Whole models are functions that take longer to optimise than to run.
  auto compiled = compileReference(*module, entries, /*level=*/0);
  if (failed(compiled))
    return failure();
  jit = std::move(*compiled);
  return success();
}

LogicalResult GradientChecker::drawPoint() {
  auto point = allocate(value, value.getArgumentTypes().take_front(func.getNumArguments()));
  SmallVector<Type> floats;
  llvm::copy_if(value.getResultTypes(), std::back_inserter(floats), isFloatTensor);
  auto scales = allocate(value, floats);
  auto constants = allocate(value, offsets ? offsets.getResultTypes() : TypeRange());
  if (failed(point) || failed(scales) || failed(constants) || failed(fillInputs(func, *point, filler)))
    return failure();
  inputs = std::move(*point);
  frozen = std::move(*constants);
  if (offsets)
    jit->call("offsets", wordsOf({&inputs, &frozen}));
  weights = std::move(*scales);
  for (HostTensor &weight : weights)
    filler.normal(weight);
  return success();
}

LogicalResult GradientChecker::comparePolicies() {
  for (func::FuncOp gradient : gradients) {
    auto results = allocate(func, gradient.getResultTypes());
    if (failed(results))
      return failure();
    jit->call(gradient.getName(), wordsOf({&inputs, &weights, &*results}));
    if (found.empty()) {
      found = std::move(*results);
      continue;
    }
    for (auto [i, first, other] : llvm::enumerate(found, *results))
      if (!other.sameBytes(first)) {
        int64_t at = firstDifference(other, first, 0);
        return func.emitError("gradient of float argument ")
               << i << " depends on the recompute policy: at " << first.position(std::max<int64_t>(at, 0)) << " '"
               << gradient.getName() << "' gives " << other.get(std::max<int64_t>(at, 0)) << ", 'nothing' "
               << first.get(std::max<int64_t>(at, 0));
      }
  }
  return success();
}

LogicalResult GradientChecker::compareAlong(unsigned arg, const HostTensor &gradient, const HostTensor &direction,
                                            const Twine &name) {
  HostTensor &x = inputs[arg];
  HostTensor start = x.copy();
  double squares = 0, analytic = 0, gradientNorm = 0, directionNorm = 0;
  for (int64_t i = 0; i < x.size(); ++i) {
    squares += x.get(i) * x.get(i);
    analytic += gradient.get(i) * direction.get(i);
    gradientNorm += gradient.get(i) * gradient.get(i);
    directionNorm += direction.get(i) * direction.get(i);
  }
  // The error of differences grows with the cube of the whole step, which has as many coordinates as x.
  double h = 1e-5 * std::max(1.0, std::sqrt(squares / x.size())) / std::max(1.0, std::sqrt(directionNorm) / 4);
  std::vector<HostTensor> results[2];
  for (int side : {0, 1}) {
    for (int64_t i = 0; i < x.size(); ++i)
      x.set(i, start.get(i) + (side ? h : -h) * direction.get(i));
    auto buffers = allocate(func, value.getResultTypes());
    if (failed(buffers))
      return failure();
    results[side] = std::move(*buffers);
    jit->call("value", wordsOf({&inputs, &frozen, &results[side]}));
  }
  x = std::move(start);
  // Differences before sums: s itself may be much larger than its change.
  double numeric = 0, magnitude = 0;
  unsigned weight = 0;
  for (auto [low, high] : llvm::zip(results[0], results[1])) {
    if (!low.isFloat())
      continue;
    const HostTensor &r = weights[weight++];
    for (int64_t i = 0; i < r.size(); ++i) {
      numeric += r.get(i) * (high.get(i) - low.get(i)) / (2 * h);
      magnitude += std::abs(r.get(i) * high.get(i));
    }
  }
  double scale = std::max({std::abs(analytic), std::abs(numeric), 1e-3 * std::sqrt(gradientNorm * directionNorm)});
  double rounding = 16 * std::numeric_limits<double>::epsilon() * magnitude / h;
  if (std::abs(analytic - numeric) <= check.tolerance * scale + rounding)
    return success();
  return func.emitError("gradient of argument ")
         << arg << " along " << name << " is " << analytic << ", but differences of the function give " << numeric
         << " (relative tolerance " << check.tolerance << ")";
}

LogicalResult GradientChecker::compareDifferences() {
  unsigned gradient = 0;
  for (unsigned arg = 0; arg < inputs.size(); ++arg) {
    if (!inputs[arg].isFloat())
      continue;
    if (isFixed(func, arg))
      continue;
    const HostTensor &g = found[gradient++];
    HostTensor direction(g.type());
    bool small = g.size() <= 64;
    for (int64_t k = 0; small && k < g.size(); ++k) {
      direction.set(k, 1);
      if (failed(compareAlong(arg, g, direction, "element " + g.position(k))))
        return failure();
      direction.set(k, 0);
    }
    for (int k = 0; k < check.directions; ++k) {
      filler.normal(direction);
      if (failed(compareAlong(arg, g, direction, "random direction " + Twine(k))))
        return failure();
    }
  }
  return success();
}

LogicalResult checkGradient(func::FuncOp func, const GradientCheck &check) {
  return GradientChecker(func, check).run();
}

namespace {
struct CheckGradPass : impl::CheckGradPassBase<CheckGradPass> {
  using CheckGradPassBase::CheckGradPassBase;
  void getDependentDialects(DialectRegistry &registry) const override { registerExecutionDialects(registry); }

  void runOnOperation() override {
    unsigned count = 0;
    getContext().printOpOnDiagnostic(false); // whole functions
    auto check = [&](func::FuncOp func) {
      ++count;
      if (failed(checkGradient(func, {})))
        signalPassFailure();
    };
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (func->hasAttr("nanochat.check_grad") && !func.isExternal())
        check(func);
    getOperation().walk([&](ObjectiveOp objective) { check(*buildLoss(objective)); });
    if (summary)
      llvm::outs() << count << " functions\n";
  }
};
} // namespace
} // namespace mlir::nanochat
