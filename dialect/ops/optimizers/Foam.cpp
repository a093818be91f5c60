// FOAM: moments of runs of elements.
#include "dialect/ops/optimizers/Optimizer.h"
#include "dialect/ops/quantize/Blocks.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult FoamOp::verify() {
  if (typeOf(getParam()).getRank() == 0) // foam-c1
    return emitOpError("folds the last dimension, which a scalar has not");
  if (getVariance() != "square_of_mean" && getVariance() != "mean_of_squares") // foam-c2
    return emitOpError("has variance = \"")
           << getVariance() << "\", expected \"square_of_mean\" or \"mean_of_squares\"";
  return success();
}

SmallVector<OptimizerState> FoamOp::getStates(RankedTensorType param) {
  if (param.getRank() == 0)
    return {};
  SmallVector<int64_t> shape(param.getShape());
  shape.back() = llvm::divideCeil(shape.back(), int64_t(1) << getLevel());
  RankedTensorType folded = withShape(param, shape);
  return {{"m", folded}, {"v", folded}, {"count", withShape(param, {})}};
}

namespace {
/// Elements in runs of `length`, laid out for the loops that suit it: short runs as one row of all elements, whose
/// loops gather; long ones as rows.
struct Runs {
  ImplicitLocOpBuilder &b;
  int64_t count, length;
  RankedTensorType all; // (count·length), or (count, length)
  bool isLong() const { return length >= 16; }

  Runs(ImplicitLocOpBuilder &b, int64_t count, int64_t length, RankedTensorType like)
      : b(b), count(count), length(length),
        all(isLong() ? withShape(like, {count, length}) : withShape(like, {count * length})) {}

  RankedTensorType folded() const { return withShape(all, {count}); }
  /// The run of each element.
  AffineMap runOf() const {
    AffineExpr d = b.getAffineDimExpr(0);
    return isLong() ? projection(b.getContext(), 2, {0}) : AffineMap::get(1, 0, d.floorDiv(length));
  }
  AffineMap identity() const { return b.getMultiDimIdentityMap(all.getRank()); }

  /// The mean of body(g) over each run.
  Value mean(Value g, llvm::function_ref<Value(ImplicitLocOpBuilder &, Value)> body) const {
    if (!isLong())
      return pointwise(b, folded(), {}, {},
                       [&](ImplicitLocOpBuilder &s, ValueRange) { return scaled(s, sum(s, g, body)); });
    Value sums = reduce(b, folded(), 2, {0}, 0.0, g, identity(),
                        [&](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[1], body(s, v[0])); });
    return pointwise(b, sums, [&](ImplicitLocOpBuilder &s, ValueRange v) { return scaled(s, v[0]); });
  }

private:
  Value scaled(ImplicitLocOpBuilder &s, Value v) const { return mul(s, v, constant(s, v.getType(), 1.0 / length)); }
  Value sum(ImplicitLocOpBuilder &s, Value g, llvm::function_ref<Value(ImplicitLocOpBuilder &, Value)> body) const {
    Value start = arith::MulIOp::create(s, linalg::IndexOp::create(s, 0), arith::ConstantIndexOp::create(s, length)),
          total;
    for (int64_t k = 0; k < length; ++k) {
      Value at = arith::AddIOp::create(s, start, arith::ConstantIndexOp::create(s, k));
      Value term = body(s, tensor::ExtractOp::create(s, g, ValueRange{at}));
      total = total ? add(s, total, term) : term;
    }
    return total;
  }
};
} // namespace

SmallVector<Value> FoamOp::decompose(ImplicitLocOpBuilder &b) {
  auto type = typeOf(getParam());
  auto foldedType = typeOf(getStates()[0]);
  int64_t n = type.getShape().back(), length = int64_t(1) << getLevel();
  Runs runs(b, foldedType.getNumElements(), length, type);
  auto rows = withShape(type, {type.getNumElements() / n, n});
  auto unfold = [&](Value x) {
    if (n % length == 0)
      return reshape(b, x, runs.all.getShape());
    Value blocks = BlockOp::create(b, withShape(type, {runs.count, length}), reshape(b, x, rows.getShape()));
    return reshape(b, blocks, runs.all.getShape());
  };
  Value w = unfold(getParam()), g = unfold(getGrad());
  Value mean = runs.mean(g, [](ImplicitLocOpBuilder &, Value v) { return v; });
  Adam adam{getBeta1().convertToDouble(), getBeta2().convertToDouble(), getEps().convertToDouble(),
            nextCount(b, getStates()[2])};
  Value m = adam.first(b, flatten(b, getStates()[0]), mean), v = flatten(b, getStates()[1]);
  if (getVariance() == "square_of_mean")
    v = adam.second(b, v, mean);
  else
    v = combine(b, v, adam.beta2, runs.mean(g, [](ImplicitLocOpBuilder &s, Value x) { return mul(s, x, x); }),
                1 - adam.beta2);
  // Moments with the residual, element by element.
  AffineMap id = runs.identity(), run = runs.runOf();
  auto residual = [](ImplicitLocOpBuilder &s, ValueRange x) { return sub(s, x[1], x[2]); };
  Value first = pointwise(b, runs.all, {m, g, mean}, {run, id, run},
                          [&](ImplicitLocOpBuilder &s, ValueRange x) { return add(s, x[0], residual(s, x)); });
  Value second = pointwise(b, runs.all, {v, g, mean}, {run, id, run}, [&](ImplicitLocOpBuilder &s, ValueRange x) {
    Value r = residual(s, x);
    return add(s, x[0], mul(s, r, r));
  });
  Value next = descend(b, w, adam.direction(b, first, second), getAlpha().convertToDouble(), getLr(), getWeightDecay());
  if (n % length) {
    next = reshape(b, next, {runs.count, length});
    next = UnblockOp::create(b, rows, next);
  }
  auto folded = [&](Value x) { return reshape(b, x, foldedType.getShape()); };
  return {reshape(b, next, type.getShape()), folded(m), folded(v), adam.t};
}
