// Rules that precondition with bases they keep: SOAP and GUM.
#include "dialect/StepIR.h"
#include "dialect/ops/optimizers/LowRank.h"
#include "dialect/ops/optimizers/Optimizer.h"
#include "dialect/ops/quantize/Random.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Applies `body` to a matrix, or in a loop to those of stacks; stacks what it returns. Its last value is the matrix's
/// number from 1 on, rank-0 i32.
static SmallVector<Value> forEach(ImplicitLocOpBuilder &b, ValueRange tensors,
                                  llvm::function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, ValueRange)> body) {
  RankedTensorType type = typeOf(tensors[0]);
  Type i32 = b.getI32Type();
  SmallVector<Value> all(tensors);
  if (type.getRank() == 2) {
    all.push_back(constant(b, RankedTensorType::get({}, i32), 1));
    return body(b, all);
  }
  all.push_back(pointwise(
      b, RankedTensorType::get({type.getDimSize(0)}, i32), {}, {}, [&](ImplicitLocOpBuilder &s, ValueRange) -> Value {
        return arith::AddIOp::create(s, arith::IndexCastOp::create(s, i32, linalg::IndexOp::create(s, 0)),
                                     constant(s, i32, 1));
      }));
  auto loop = LoopOp::create(b, "matrices", type.getDimSize(0), ValueRange(), all, false,
                             [&](ImplicitLocOpBuilder &in, auto, ArrayRef<BlockArgument> slices) {
                               SmallVector<Value> matrices(slices.begin(), slices.end());
                               YieldOp::create(in, ValueRange(), body(in, matrices));
                             });
  return SmallVector<Value>(loop.getResults());
}

/// `body` on `values` if `limit` (rank-0 i32) is not 0, which it is once in `period` steps, else `values`.
static SmallVector<Value> when(ImplicitLocOpBuilder &b, Value limit, int64_t period, ValueRange values,
                               llvm::function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, ValueRange)> body) {
  auto loop = LoopOp::create(b, "when", 1, values, ValueRange(), false,
                             [&](ImplicitLocOpBuilder &in, ArrayRef<BlockArgument> carries, auto) {
                               SmallVector<Value> args(carries.begin(), carries.end());
                               YieldOp::create(in, body(in, args), ValueRange());
                             });
  loop.getLimitMutable().assign(limit);
  loop->setAttr(kPeriodAttr, b.getI64IntegerAttr(period));
  return SmallVector<Value>(loop.getResults());
}

/// A rank-0 i32 of `body` on the number of steps done, an i32.
static Value fromCount(ImplicitLocOpBuilder &b, Value count, ScalarBody body) {
  auto type = RankedTensorType::get({}, b.getI32Type());
  Value step = arith::FPToSIOp::create(b, type, count);
  return pointwise(b, step, body);
}

static Value matmul(ImplicitLocOpBuilder &b, Value x, Value y) { return MatmulOp::create(b, x, y, false, false); }
static Value matmulT(ImplicitLocOpBuilder &b, Value x, Value y) { return MatmulOp::create(b, x, y, false, true); }
static Value tMatmul(ImplicitLocOpBuilder &b, Value x, Value y) { return MatmulOp::create(b, x, y, true, false); }

//===--- soap --------------------------------------------------------------------------------===//

LogicalResult SoapOp::verify() { return verifyMatrices(*this); } // soap-c1

/// The sides that have a basis.
static bool hasBasis(SoapOp op, RankedTensorType param, int side) {
  return param.getShape().end()[side - 2] <= int64_t(op.getLargest());
}

SmallVector<OptimizerState> SoapOp::getStates(RankedTensorType param) {
  SmallVector<OptimizerState> states;
  if (param.getRank() < 2)
    return states;
  for (int side : {0, 1}) {
    if (!hasBasis(*this, param, side))
      continue;
    SmallVector<int64_t> shape(param.getShape().drop_back(2));
    shape.append(2, param.getShape().end()[side - 2]);
    std::string name = side ? "right" : "left";
    states.push_back({name, withShape(param, shape)});
    states.push_back({name + "_basis", withShape(param, shape)});
  }
  states.push_back({"m", param});
  states.push_back({"v", param});
  states.push_back({"count", withShape(param, {})});
  return states;
}

namespace {
/// One matrix of a parameter and its states.
struct SoapMatrix {
  Value w, g;
  Value factor[2], basis[2]; // left, right; null where there is none
  Value m, v;

  SoapMatrix(SoapOp op, RankedTensorType param, ValueRange values) : w(values[0]), g(values[1]) {
    unsigned at = 2;
    for (int side : {0, 1})
      if (hasBasis(op, param, side)) {
        factor[side] = values[at++];
        basis[side] = values[at++];
      }
    m = values[at];
    v = values[at + 1];
  }
  Value rotate(ImplicitLocOpBuilder &b, Value x) const {
    x = basis[0] ? tMatmul(b, basis[0], x) : x;
    return basis[1] ? matmul(b, x, basis[1]) : x;
  }
  Value rotateBack(ImplicitLocOpBuilder &b, Value x) const {
    x = basis[0] ? matmul(b, basis[0], x) : x;
    return basis[1] ? matmulT(b, x, basis[1]) : x;
  }
  /// What a conditional step may change of the bases and moments.
  SmallVector<Value> turning() const {
    SmallVector<Value> values;
    for (Value q : basis)
      if (q)
        values.push_back(q);
    values.append({m, v});
    return values;
  }
  void setTurning(ValueRange values) {
    unsigned at = 0;
    for (Value &q : basis)
      if (q)
        q = values[at++];
    m = values[at];
    v = values[at + 1];
  }
};
} // namespace

/// One power iteration of `q` with factor/trace, its columns sorted before; and the order. Columns that the factor
/// makes nothing of stay independent: they keep 1e-6 of what they were.
static std::pair<Value, Value> turn(ImplicitLocOpBuilder &b, Value factor, Value q) {
  RankedTensorType type = typeOf(q);
  auto vector = withShape(type, {type.getDimSize(0)});
  AffineMap full = b.getMultiDimIdentityMap(2);
  Value image = matmul(b, factor, q);
  Value estimates = reduce(b, vector, 2, {1}, 0.0, {q, image}, {full, full}, sumProducts);
  Value trace = reduce(b, withShape(type, {}), 1, {}, 0.0, estimates, b.getMultiDimIdentityMap(1), sumUp);
  Value order = fallingOrder(b, estimates);
  Value completed =
      pointwise(b, type, {image, q, estimates, trace},
                {full, full, projection(b.getContext(), 2, {1}), projection(b.getContext(), 2, {})},
                [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                  Type f = v[0].getType();
                  Value least = constant(s, f, 1e-6), step = div(s, v[0], add(s, v[3], constant(s, f, 1e-30)));
                  Value isSingular = arith::CmpFOp::create(s, arith::CmpFPredicate::OLE, v[2], mul(s, least, v[3]));
                  return arith::SelectOp::create(s, isSingular, add(s, step, mul(s, least, v[1])), step);
                });
  return {OrthonormalizeOp::create(b, takeColumns(b, completed, order)), order};
}

SmallVector<Value> SoapOp::decompose(ImplicitLocOpBuilder &b) {
  auto type = typeOf(getParam());
  auto limit = [&](ImplicitLocOpBuilder &s, Value yes) -> Value {
    return arith::ExtUIOp::create(s, s.getI32Type(), yes);
  };
  auto compare = [](ImplicitLocOpBuilder &s, arith::CmpIPredicate how, Value x, int64_t y) -> Value {
    return arith::CmpIOp::create(s, how, x, constant(s, x.getType(), y));
  };
  Value count = getStates().back();
  Value isFirst = fromCount(b, count, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    return limit(s, compare(s, arith::CmpIPredicate::eq, v[0], 0));
  });
  Value isLater = fromCount(b, count, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    return limit(s, compare(s, arith::CmpIPredicate::ne, v[0], 0));
  });
  Value isDue = fromCount(b, count, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Value rest = arith::RemUIOp::create(s, v[0], constant(s, s.getI32Type(), getPeriod()));
    Value turns = arith::AndIOp::create(s, compare(s, arith::CmpIPredicate::eq, rest, 0),
                                        compare(s, arith::CmpIPredicate::ne, v[0], 0));
    return limit(s, turns);
  });
  Adam adam{getBeta1().convertToDouble(), getBeta2().convertToDouble(), getEps().convertToDouble(), count};
  SmallVector<Value> tensors{getParam(), getGrad()};
  llvm::append_range(tensors, getStates().drop_back());
  SmallVector<Value> results =
      forEach(b, tensors, [&](ImplicitLocOpBuilder &in, ValueRange values) -> SmallVector<Value> {
        SoapMatrix x(*this, type, values);
        auto stepped =
            when(in, isLater, 1, {x.w, x.m, x.v}, [&](ImplicitLocOpBuilder &s, ValueRange old) -> SmallVector<Value> {
              Value g = x.rotate(s, x.g), m = adam.first(s, old[1], g), v = adam.second(s, old[2], g);
              Value direction = x.rotateBack(s, adam.direction(s, m, v));
              return {descend(s, old[0], direction, 1.0, getLr(), getWeightDecay()), m, v};
            });
        x.w = stepped[0], x.m = stepped[1], x.v = stepped[2];
        for (int side : {0, 1})
          if (x.factor[side]) {
            Value gram = side ? tMatmul(in, x.g, x.g) : matmulT(in, x.g, x.g);
            x.factor[side] = combine(in, x.factor[side], adam.beta2, gram, 1 - adam.beta2);
          }
        x.setTurning(when(in, isFirst, kFirstStepOnly, x.turning(), [&](ImplicitLocOpBuilder &s, ValueRange old) {
          SoapMatrix next = x;
          next.setTurning(old);
          for (int side : {0, 1})
            if (next.basis[side])
              next.basis[side] = transposed(s, SymmetricEigenOp::create(s, x.factor[side]).getVectors());
          return next.turning();
        }));
        x.setTurning(when(in, isDue, getPeriod(), x.turning(), [&](ImplicitLocOpBuilder &s, ValueRange old) {
          SoapMatrix next = x;
          next.setTurning(old);
          Value m = next.rotateBack(s, next.m);
          for (int side : {0, 1})
            if (next.basis[side]) {
              auto [basis, order] = turn(s, x.factor[side], next.basis[side]);
              next.basis[side] = basis;
              next.v = side ? takeColumns(s, next.v, order) : takeRows(s, next.v, order);
            }
          next.m = next.rotate(s, m);
          return next.turning();
        }));
        SmallVector<Value> all{x.w};
        for (int side : {0, 1})
          if (x.factor[side])
            all.append({x.factor[side], x.basis[side]});
        all.append({x.m, x.v});
        return all;
      });
  results.push_back(nextCount(b, count));
  return results;
}

//===--- gum ---------------------------------------------------------------------------------===//

LogicalResult GumOp::verify() {
  double full = getFull().convertToDouble();
  if (!(full > 0 && full < 1)) // gum-c1
    return emitOpError("picks matrices with probability ") << full << ", expected one between 0 and 1";
  return verifyMatrices(*this); // gum-c2
}

SmallVector<OptimizerState> GumOp::getStates(RankedTensorType param) {
  if (param.getRank() < 2)
    return {};
  int64_t m = param.getShape().end()[-2], n = param.getShape().end()[-1];
  SmallVector<int64_t> basis(param.getShape().drop_back(2));
  basis.append({std::min(m, n), std::min({int64_t(getRank()), m, n})});
  return {{"basis", withShape(param, basis)}, {"momentum", param}, {"count", withShape(param, {})}};
}

SmallVector<Value> GumOp::decompose(ImplicitLocOpBuilder &b) {
  Value count = getStates().back();
  double q = getFull().convertToDouble(), beta = getMomentum().convertToDouble();
  RankedTensorType type = typeOf(getParam());
  bool tall = type.getShape().end()[-2] > type.getShape().end()[-1];
  Type i32 = b.getI32Type();
  Value isDue = fromCount(b, count, [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    Value rest = arith::RemUIOp::create(s, v[0], constant(s, i32, getPeriod()));
    return arith::ExtUIOp::create(s, i32,
                                  arith::CmpIOp::create(s, arith::CmpIPredicate::eq, rest, constant(s, i32, 0)));
  });
  // The first step of the period, at which all is drawn that holds for it.
  Value start = fromCount(b, count, [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    return arith::SubIOp::create(s, v[0], arith::RemUIOp::create(s, v[0], constant(s, i32, getPeriod())));
  });
  SmallVector<Value> tensors{getParam(), getGrad(), getStates()[0], getStates()[1]};
  SmallVector<Value> results = forEach(b, tensors, [&](ImplicitLocOpBuilder &in, ValueRange v) -> SmallVector<Value> {
    Value w = v[0], g = v[1], number = v[4];
    auto matrix = typeOf(w);
    SmallVector<Value> fresh =
        when(in, isDue, getPeriod(), {v[2], v[3]}, [&](ImplicitLocOpBuilder &s, ValueRange old) -> SmallVector<Value> {
          return {LowRankBasisOp::create(s, typeOf(old[0]), g, getStream(), number, start), constant(s, matrix, 0.0)};
        });
    Value p = fresh[0];
    Value low = tall ? matmulT(in, matmul(in, g, p), p) : matmul(in, p, tMatmul(in, p, g));
    Value picked = randomUnit(in, matrix.getElementType(), getStream(), number, start);
    Value m = pointwise(in, {fresh[1], g, low, picked}, [&](ImplicitLocOpBuilder &s, ValueRange x) {
      Type f = x[0].getType();
      Value isPicked = arith::CmpFOp::create(s, arith::CmpFPredicate::OLT, x[3], constant(s, f, q));
      Value rest = mul(s, constant(s, f, 1 / q), sub(s, x[1], x[2])), part = mul(s, constant(s, f, 1 / (1 - q)), x[2]);
      return add(s, mul(s, constant(s, f, beta), x[0]), arith::SelectOp::create(s, isPicked, rest, part));
    });
    Value o = Muon{0.0, false, 5, 1e-7}.direction(in, m, m);
    return {descend(in, w, o, Muon::scale(matrix), getLr(), getWeightDecay()), p, m};
  });
  results.push_back(nextCount(b, count));
  return results;
}
