// What streams are read, mixed and written by: logits of every token, through σ, Sinkhorn's iterations or permutations.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "dialect/ops/layers/Activation.h"
#include "dialect/ops/layers/Hyper.h"
#include "dialect/ops/layers/Norm.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

/// As DeepSeek has it: streams are far from zero.
static constexpr double kEps = 1e-20;
/// More permutations than of five streams are too many, and more divisions of numbers of a matrix.
static constexpr int64_t kMostPermuted = 5, kMostDivided = 4096;
/// Logits further below the largest of their column than this count as that: lines that underflow would have no sum to
/// divide by, and products of what divides them would leave f32.
static constexpr double kLowest = -70;

using Numbers = SmallVector<Value>;

static Value sumOf(ImplicitLocOpBuilder &s, ValueRange numbers) {
  Value sum;
  for (Value number : numbers)
    sum = sum ? add(s, sum, number) : number;
  return sum;
}

static Value largestOf(ImplicitLocOpBuilder &s, ValueRange numbers) {
  Value most = numbers[0];
  for (Value number : numbers.drop_front())
    most = arith::MaximumFOp::create(s, most, number);
  return most;
}

namespace {
/// A mixing matrix (row-major) in scalars, and the gradient of its logits.
class MixingMatrix {
public:
  MixingMatrix(ImplicitLocOpBuilder &s, HyperCoefficientsOp op, Numbers logits)
      : s(s), n(op.getStreams()), kind(op.getKind()), logits(std::move(logits)) {
    if (kind == HyperKind::sinkhorn)
      iterate(op.getIterations());
    else if (kind == HyperKind::permutation)
      weigh();
  }

  Numbers numbers() {
    if (kind == HyperKind::sinkhorn)
      return steps.back().numbers;
    if (kind == HyperKind::none)
      return logits;
    Numbers sums(n * n);
    for (auto [weight, permutation] : llvm::zip(weights, permutations))
      for (int64_t i = 0; i < n; ++i) {
        Value &sum = sums[i * n + permutation[i]];
        sum = sum ? add(s, sum, weight) : weight;
      }
    return sums;
  }

  /// Of the gradients of its numbers.
  Numbers gradient(Numbers d) {
    if (kind == HyperKind::none)
      return d;
    return kind == HyperKind::sinkhorn ? throughSteps(std::move(d)) : throughWeights(d);
  }

private:
  struct Step {
    bool columns;
    Numbers numbers, inverses; // after dividing by sums, and one by these
  };

  /// Numbers k of a line: those of column or row `line`.
  SmallVector<int64_t> lineOf(bool columns, int64_t line) const {
    return llvm::map_to_vector(llvm::seq<int64_t>(0, n),
                               [&](int64_t k) { return columns ? k * n + line : line * n + k; });
  }
  Numbers pick(ValueRange from, ArrayRef<int64_t> at) {
    return llvm::map_to_vector(at, [&](int64_t i) -> Value { return from[i]; });
  }

  void iterate(int64_t iterations) {
    // Less the largest of a column, which the first division takes out.
    exponentials.resize(n * n);
    for (int64_t column = 0; column < n; ++column) {
      Value most = largestOf(s, pick(logits, lineOf(true, column)));
      for (int64_t i : lineOf(true, column))
        exponentials[i] = math::ExpOp::create(
            s, arith::MaximumFOp::create(s, sub(s, logits[i], most), constant(s, most.getType(), kLowest)));
    }
    for (int64_t i = 0; i < iterations; ++i)
      for (bool columns : {true, false})
        steps.push_back(divide(steps.empty() ? exponentials : steps.back().numbers, columns));
  }

  Step divide(Numbers numbers, bool columns) {
    Step step{columns, Numbers(n * n), {}};
    for (int64_t line = 0; line < n; ++line) {
      Value sum = sumOf(s, pick(numbers, lineOf(columns, line)));
      step.inverses.push_back(div(s, constant(s, sum.getType(), 1.0), sum));
      for (int64_t i : lineOf(columns, line))
        step.numbers[i] = mul(s, numbers[i], step.inverses.back());
    }
    return step;
  }

  Numbers throughSteps(Numbers d) {
    for (const Step &step : llvm::reverse(steps)) {
      Numbers next(n * n);
      for (int64_t line = 0; line < n; ++line) {
        Numbers terms;
        for (int64_t i : lineOf(step.columns, line))
          terms.push_back(mul(s, d[i], step.numbers[i]));
        Value dot = sumOf(s, terms);
        for (int64_t i : lineOf(step.columns, line))
          next[i] = mul(s, sub(s, d[i], dot), step.inverses[line]);
      }
      d = std::move(next);
    }
    for (int64_t i = 0; i < n * n; ++i)
      d[i] = mul(s, d[i], exponentials[i]);
    return d;
  }

  void weigh() {
    SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, n));
    do
      permutations.push_back(permutation);
    while (std::next_permutation(permutation.begin(), permutation.end()));
    Value most = largestOf(s, logits);
    for (Value logit : logits)
      weights.push_back(math::ExpOp::create(s, sub(s, logit, most)));
    Value sum = sumOf(s, weights), inverse = div(s, constant(s, sum.getType(), 1.0), sum);
    for (Value &weight : weights)
      weight = mul(s, weight, inverse);
  }

  Numbers throughWeights(const Numbers &d) {
    Numbers own, terms;
    for (auto [weight, permutation] : llvm::zip(weights, permutations)) {
      Numbers picked;
      for (int64_t i = 0; i < n; ++i)
        picked.push_back(d[i * n + permutation[i]]);
      own.push_back(sumOf(s, picked));
      terms.push_back(mul(s, weight, own.back()));
    }
    Value dot = sumOf(s, terms);
    for (auto [each, weight] : llvm::zip(own, weights))
      each = mul(s, weight, sub(s, each, dot));
    return own;
  }

  ImplicitLocOpBuilder &s;
  int64_t n;
  HyperKind kind;
  Numbers logits, exponentials, weights;
  SmallVector<Step> steps;
  SmallVector<SmallVector<int64_t>> permutations;
};
} // namespace

/// The elements `first` to first + count − 1 of the row of `matrix` that a body is at.
static Numbers rowOf(ImplicitLocOpBuilder &s, Value matrix, int64_t first, int64_t count) {
  Value token = linalg::IndexOp::create(s, 0);
  return llvm::map_to_vector(llvm::seq(first, first + count), [&](int64_t i) -> Value {
    return tensor::ExtractOp::create(s, matrix, ValueRange{token, arith::ConstantIndexOp::create(s, i)});
  });
}

//===--- hyper_coefficients ------------------------------------------------------------------===//

/// Logits of a mixing matrix.
static int64_t mixingLogits(HyperKind kind, int64_t n) {
  int64_t count = 1;
  for (int64_t i = 2; i <= n && kind == HyperKind::permutation; ++i)
    count *= i;
  return kind == HyperKind::permutation ? count : n * n;
}

LogicalResult HyperCoefficientsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                    SmallVectorImpl<Type> &types) {
  RankedTensorType x = typeOf(adaptor.getX());
  int64_t n = adaptor.getStreams(), tokens = x.getDimSize(0);
  types.append({withShape(x, {tokens, n}), withShape(x, {tokens, n}), withShape(x, {tokens, n * n})});
  return success();
}

LogicalResult HyperCoefficientsOp::verify() {
  int64_t n = getStreams(), channels = getX().getType().getDimSize(1), own = getBias().getType().getDimSize(0);
  if (failed(verifyStreams(*this, getX(), n))) // hyper_coefficients-c1
    return failure();
  if (getKind() == HyperKind::permutation && n > kMostPermuted) // hyper_coefficients-c2
    return emitOpError("mixes ") << n << " streams by their permutations, of which there are too many from "
                                 << kMostPermuted + 1 << " on; sinkhorn has n² logits";
  int64_t logits = 2 * n + mixingLogits(getKind(), n);
  if (own != logits) // hyper_coefficients-c3
    return emitOpError("has a bias of ") << own << " logits; " << n << " streams have " << logits << " in "
                                         << stringifyHyperKind(getKind());
  if (bool(getPhi()) != bool(getAlpha())) // hyper_coefficients-c4
    return emitOpError("has one of phi and alpha; logits that depend on tokens take both");
  if (getKind() != HyperKind::sinkhorn && getIterations() != 20) // hyper_coefficients-c7
    return emitOpError("iterates ") << getIterations() << " times in " << stringifyHyperKind(getKind())
                                    << ", which only sinkhorn does";
  if (getKind() == HyperKind::sinkhorn && n * n * int64_t(getIterations()) > kMostDivided) // hyper_coefficients-c8
    return emitOpError("divides ") << n * n << " numbers " << getIterations() << " times; the product is at most "
                                   << kMostDivided;
  for (Value each : {Value(getBias()), Value(getPhi()), Value(getAlpha())}) // hyper_coefficients-c9
    if (each && getElementTypeOrSelf(each) != getX().getType().getElementType())
      return emitOpError("has streams ") << getX().getType() << " and " << each.getType() << " of another type";
  if (!getPhi())
    return success();
  RankedTensorType phi = typeOf(getPhi());
  if (phi.getDimSize(0) != logits || phi.getDimSize(1) != channels) // hyper_coefficients-c5
    return emitOpError("has phi ") << phi << "; " << logits << " logits of " << channels << " channels are " << logits
                                   << "x" << channels;
  if (typeOf(getAlpha()).getDimSize(0) != 3) // hyper_coefficients-c6
    return emitOpError("has ") << typeOf(getAlpha()).getDimSize(0)
                               << " factors alpha; they are of pre, post and res, three";
  return success();
}

SmallVector<AffineMap> HyperCoefficientsOp::getIndexingMaps() {
  MLIRContext *ctx = getContext(); // n k c
  AffineMap whole = AffineMap::get(3, 0, {getAffineDimExpr(0, ctx), getAffineConstantExpr(0, ctx)}, ctx);
  SmallVector<AffineMap> maps{projection(ctx, 3, {0, 2}), projection(ctx, 3, {1})};
  if (getPhi())
    maps.append({projection(ctx, 3, {1, 2}), AffineMap::get(3, 0, getAffineConstantExpr(0, ctx))});
  maps.append(3, whole);
  return maps;
}

/// From logits (N, L) to the gates and the matrix of every token.
static SmallVector<Value> coefficientsOf(ImplicitLocOpBuilder &b, HyperCoefficientsOp op, Value logits) {
  int64_t n = op.getStreams();
  auto gate = [&](RankedTensorType type, int64_t first, double factor) {
    return pointwise(b, type, {}, {}, [&](ImplicitLocOpBuilder &s, ValueRange) -> Value {
      Value at = arith::AddIOp::create(s, linalg::IndexOp::create(s, 1), arith::ConstantIndexOp::create(s, first));
      Value logit = tensor::ExtractOp::create(s, logits, ValueRange{linalg::IndexOp::create(s, 0), at});
      if (op.getKind() == HyperKind::none)
        return logit;
      Value open = sigmoid(s, logit);
      return factor == 1 ? open : mul(s, open, constant(s, open.getType(), factor));
    });
  };
  Value res = pointwise(b, op.getRes().getType(), {}, {}, [&](ImplicitLocOpBuilder &s, ValueRange) {
    Numbers own = rowOf(s, logits, 2 * n, mixingLogits(op.getKind(), n));
    return numberAt(s, 1, MixingMatrix(s, op, own).numbers());
  });
  return {gate(op.getPre().getType(), 0, 1), gate(op.getPost().getType(), n, 2), res};
}

/// The number of alpha that the logit a body is at (loop 1) has.
static Value groupOf(ImplicitLocOpBuilder &s, int64_t n) {
  auto c = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(s, value); };
  return arith::MinUIOp::create(s, arith::DivUIOp::create(s, linalg::IndexOp::create(s, 1), c(n)), c(2));
}
static Value factorOf(ImplicitLocOpBuilder &s, Value alpha, int64_t n) {
  return tensor::ExtractOp::create(s, alpha, groupOf(s, n));
}

/// alpha·(z·r) + bias with z = x·phiᵀ and r one by the root mean square of x, or bias alone.
static Value logitsOf(ImplicitLocOpBuilder &b, HyperCoefficientsOp op, Value z, Value r) {
  RankedTensorType x = op.getX().getType(), bias = op.getBias().getType();
  MatrixMaps maps(b.getContext());
  RankedTensorType type = withShape(x, {x.getDimSize(0), bias.getDimSize(0)});
  if (!z)
    return pointwise(b, type, op.getBias(), maps.column, [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; });
  return pointwise(b, type, {z, r, op.getBias()}, {maps.full, maps.row, maps.column},
                   [&](ImplicitLocOpBuilder &s, ValueRange v) {
                     return add(s, mul(s, factorOf(s, op.getAlpha(), op.getStreams()), mul(s, v[0], v[1])), v[2]);
                   });
}

SmallVector<Value> HyperCoefficientsOp::decompose(ImplicitLocOpBuilder &b) {
  if (!getPhi())
    return coefficientsOf(b, *this, logitsOf(b, *this, Value(), Value()));
  Value z = LinearOp::create(b, getX(), getPhi(), Value());
  return coefficientsOf(b, *this, logitsOf(b, *this, z, inverseRms(b, getX(), kEps)));
}

/// The gradients of logits of those of gates and matrix, where there are any.
static Value logitGradient(ImplicitLocOpBuilder &b, HyperCoefficientsOp op, Value logits, const Cotangents &ct) {
  int64_t n = op.getStreams(), mixing = mixingLogits(op.getKind(), n);
  Value dpre = ct.ofOrZero(b, op.getPre()), dpost = ct.ofOrZero(b, op.getPost()), dres = ct.ofOrZero(b, op.getRes());
  RankedTensorType type = typeOf(logits);
  Value ofMatrix =
      pointwise(b, withShape(type, {type.getDimSize(0), mixing}), {}, {}, [&](ImplicitLocOpBuilder &s, ValueRange) {
        MixingMatrix matrix(s, op, rowOf(s, logits, 2 * n, mixing));
        return numberAt(s, 1, matrix.gradient(rowOf(s, dres, 0, n * n)));
      });
  return pointwise(b, type, logits, b.getMultiDimIdentityMap(2), [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    Value token = linalg::IndexOp::create(s, 0), k = linalg::IndexOp::create(s, 1);
    auto c = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(s, value); };
    auto at = [&](Value matrix, int64_t from, int64_t count) -> Value { // whose columns are logits from there on
      Value column = arith::MaxSIOp::create(s, arith::SubIOp::create(s, k, c(from)), c(0));
      return tensor::ExtractOp::create(s, matrix, ValueRange{token, arith::MinSIOp::create(s, column, c(count - 1))});
    };
    Value isMixing = arith::CmpIOp::create(s, arith::CmpIPredicate::uge, k, c(2 * n)),
          isPre = arith::CmpIOp::create(s, arith::CmpIPredicate::ult, k, c(n));
    Value gate = arith::SelectOp::create(s, isPre, at(dpre, 0, n), at(dpost, n, n));
    if (op.getKind() != HyperKind::none) {
      Value open = sigmoid(s, v[0]), one = constant(s, open.getType(), 1.0), two = constant(s, open.getType(), 2.0);
      Value slope = mul(s, open, sub(s, one, open));
      gate = mul(s, gate, mul(s, slope, arith::SelectOp::create(s, isPre, one, two)));
    }
    return arith::SelectOp::create(s, isMixing, at(ofMatrix, 2 * n, mixing), gate);
  });
}

LogicalResult HyperCoefficientsOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  MatrixMaps maps(getContext());
  RankedTensorType x = getX().getType(), bias = getBias().getType();
  Value z, r;
  if (getPhi()) {
    // Kept for the gradient, not multiplied again.
    ImplicitLocOpBuilder before(getLoc(), *this);
    z = LinearOp::create(before, getX(), getPhi(), Value());
    r = inverseRms(before, getX(), kEps);
    auto values = coefficientsOf(before, *this, logitsOf(before, *this, z, r));
    for (auto [result, value] : llvm::zip(getResults(), values))
      result.replaceAllUsesWith(value);
  }
  Value dl = logitGradient(b, *this, logitsOf(b, *this, z, r), ct);
  if (ct.wants(getBias()))
    ct.add(b, getBias(), reduce(b, bias, 2, {1}, 0.0, dl, maps.full, sumUp));
  if (!getPhi())
    return success();
  int64_t n = getStreams();
  auto scaled = [&](ImplicitLocOpBuilder &s, Value d) { return mul(s, factorOf(s, getAlpha(), n), d); };
  Value dz = pointwise(b, typeOf(z), {dl, r}, {maps.full, maps.row},
                       [&](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, scaled(s, v[0]), v[1]); });
  if (ct.wants(getPhi()))
    ct.add(b, getPhi(), MatmulOp::create(b, dz, getX(), /*trans_a=*/true, /*trans_b=*/false));
  if (ct.wants(getAlpha())) {
    Value perLogit =
        reduce(b, bias, 2, {1}, 0.0, {dl, z, r}, {maps.full, maps.full, maps.row},
               [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[3], mul(s, v[0], mul(s, v[1], v[2]))); });
    ct.add(
        b, getAlpha(),
        reduce(b, typeOf(getAlpha()), 2, {0}, 0.0, perLogit, maps.column, [&](ImplicitLocOpBuilder &s, ValueRange v) {
          Value isOwn =
              arith::CmpIOp::create(s, arith::CmpIPredicate::eq, groupOf(s, n), linalg::IndexOp::create(s, 0));
          return add(s, v[1], arith::SelectOp::create(s, isOwn, v[0], constant(s, v[0].getType(), 0.0)));
        }));
  }
  if (!ct.wants(getX()))
    return success();
  // r = (mean x²)^(−1/2): dx = −dr·r³·x/(n·C), and dr·r = Σ dz·z.
  Value dr = reduce(b, typeOf(r), 2, {0}, 0.0, {dz, z}, {maps.full, maps.full}, sumProducts);
  Value product = MatmulOp::create(b, dz, getPhi(), /*trans_a=*/false, /*trans_b=*/false);
  ct.add(b, getX(),
         pointwise(b, x, {product, getX(), dr, r}, {maps.full, maps.full, maps.row, maps.row},
                   [&](ImplicitLocOpBuilder &s, ValueRange v) {
                     Value square = mul(s, v[3], v[3]), share = constant(s, v[0].getType(), -1.0 / x.getDimSize(1));
                     return add(s, v[0], mul(s, v[1], mul(s, mul(s, v[2], square), share)));
                   }));
  return success();
}
