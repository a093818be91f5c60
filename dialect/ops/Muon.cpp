// Muon: momentum whose update is orthogonalised by gemms.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

//===------------------------------------------------------------------------------------------===//
// newton_schulz
//===------------------------------------------------------------------------------------------===//

LogicalResult NewtonSchulzOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                               Adaptor adaptor, SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getG().getType());
  return success();
}

/// g/(‖g‖_F + eps)
static Value normalized(ImplicitLocOpBuilder &b, Value g, double eps) {
  auto type = cast<RankedTensorType>(g.getType());
  Value norm = GradNormOp::create(b, ValueRange{g});
  return pointwise(b, type, {g, norm},
                   {b.getMultiDimIdentityMap(2), projection(b.getContext(), 2, {})},
                   [&](ImplicitLocOpBuilder &s, ValueRange v) {
                     return div(s, v[0], add(s, v[1], constant(s, v[1].getType(), eps)));
                   });
}

/// x·α + y·β of equal types.
static Value combine(ImplicitLocOpBuilder &b, Value x, double alpha, Value y, double beta) {
  auto type = cast<RankedTensorType>(x.getType());
  AffineMap full = b.getMultiDimIdentityMap(type.getRank());
  return pointwise(b, type, {x, y}, {full, full}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Type f = v[0].getType();
    return add(s, mul(s, constant(s, f, alpha), v[0]), mul(s, constant(s, f, beta), v[1]));
  });
}

FailureOr<SmallVector<Value>> NewtonSchulzOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto type = cast<RankedTensorType>(getG().getType());
  // Products with the smaller Gram matrix; on its side, K = Kᵀ needs no transpose.
  bool tall = type.getDimSize(0) > type.getDimSize(1);
  double a = getA().convertToDouble(), kGain = getB().convertToDouble(),
         k2Gain = getC().convertToDouble();
  auto loop = LoopOp::create(
      b, "newton_schulz", getSteps(), normalized(b, getG(), getEps().convertToDouble()),
      ValueRange(), false, [&](ImplicitLocOpBuilder &in, ArrayRef<BlockArgument> carry, auto) {
        Value x = carry[0];
        Value k = MatmulOp::create(in, x, x, /*trans_a=*/tall, /*trans_b=*/!tall);
        Value k2 = MatmulOp::create(in, k, k, false, false);
        Value p = combine(in, k, kGain, k2, k2Gain);
        Value px = MatmulOp::create(in, tall ? x : p, tall ? p : x, false, false);
        YieldOp::create(in, combine(in, x, a, px, 1.0), ValueRange());
      });
  return SmallVector<Value>{loop.getResult(0)};
}

// Every element of the result depends on all of g.
SmallVector<IteratorType> NewtonSchulzOp::getLoopIteratorTypes() {
  return {IteratorType::reduction, IteratorType::reduction};
}
SmallVector<shard::ReductionKind> NewtonSchulzOp::getReductionLoopIteratorKinds() {
  return {shard::ReductionKind::Generic, shard::ReductionKind::Generic};
}
SmallVector<AffineMap> NewtonSchulzOp::getIndexingMaps() {
  AffineMap full = projection(getContext(), 2, {0, 1});
  return {full, full};
}

/// Three products per step: X·Xᵀ, K², (b·K + c·K²)·X.
static int64_t orthogonalizeFlops(RankedTensorType matrix, int64_t steps) {
  int64_t rows = matrix.getDimSize(0), columns = matrix.getDimSize(1);
  int64_t small = std::min(rows, columns), large = std::max(rows, columns);
  return steps * (4 * small * small * large + 2 * small * small * small);
}

int64_t NewtonSchulzOp::getFlops() { return orthogonalizeFlops(getG().getType(), getSteps()); }

//===------------------------------------------------------------------------------------------===//
// muon
//===------------------------------------------------------------------------------------------===//

LogicalResult MuonOp::verify() {
  auto type = cast<RankedTensorType>(getParam().getType());
  if (type.getRank() == 2 || type.getRank() == 3)
    return success();
  InFlightDiagnostic diag = // muon-c1
      emitOpError("orthogonalises matrices, but its parameter has type ") << type;
  diag.attachNote()
      << "use \"adamw\" for roles that are not hidden matrices (A, B) or stacks (L, A, B) of them";
  return diag;
}

SmallVector<OptimizerState> MuonOp::getStates(RankedTensorType param) {
  return {{"momentum", param}};
}

FailureOr<SmallVector<Value>> MuonOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto type = cast<RankedTensorType>(getParam().getType());
  double mu = getMomentum().convertToDouble();
  Value m = combine(b, getStates()[0], mu, getGrad(), 1.0);
  auto direction = [&](ImplicitLocOpBuilder &at, Value momentum, Value grad) -> Value {
    Value u = getNesterov() ? combine(at, momentum, mu, grad, 1.0) : momentum;
    auto ns = NewtonSchulzOp::create(at, u);
    ns.setSteps(getNsSteps());
    ns.setEpsAttr(getEpsAttr());
    return ns;
  };
  Value o;
  if (type.getRank() == 2)
    o = direction(b, m, getGrad());
  else
    o = LoopOp::create(b, "matrices", type.getDimSize(0), ValueRange(), ValueRange{m, getGrad()},
                       false,
                       [&](ImplicitLocOpBuilder &in, auto, ArrayRef<BlockArgument> slice) {
                         YieldOp::create(in, ValueRange(), direction(in, slice[0], slice[1]));
                       })
            .getResult(0);
  AffineMap full = b.getMultiDimIdentityMap(type.getRank()),
            scalar = projection(getContext(), type.getRank(), {});
  double scale = 0.2 * std::sqrt(std::max(type.getShape().end()[-2], type.getShape().end()[-1]));
  Value w = pointwise(b, type, {getParam(), o, getLr(), getWeightDecay()},
                      {full, full, scalar, scalar}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
                        Value step = mul(s, constant(s, v[1].getType(), scale), v[1]);
                        return sub(s, v[0], mul(s, v[2], add(s, step, mul(s, v[3], v[0]))));
                      });
  return SmallVector<Value>{w, m};
}

SmallVector<IteratorType> MuonOp::getLoopIteratorTypes() {
  SmallVector<IteratorType> types(cast<RankedTensorType>(getParam().getType()).getRank(),
                                  IteratorType::reduction);
  if (types.size() == 3)
    types[0] = IteratorType::parallel;
  return types;
}
SmallVector<shard::ReductionKind> MuonOp::getReductionLoopIteratorKinds() {
  return {shard::ReductionKind::Generic, shard::ReductionKind::Generic};
}
SmallVector<AffineMap> MuonOp::getIndexingMaps() {
  unsigned rank = cast<RankedTensorType>(getParam().getType()).getRank();
  AffineMap full = AffineMap::getMultiDimIdentityMap(rank, getContext()),
            scalar = projection(getContext(), rank, {});
  return {full, full, scalar, scalar,
          full, full, full}; // param, grad, lr, weight_decay, momentum; results
}

int64_t MuonOp::getFlops() {
  auto type = cast<RankedTensorType>(getParam().getType());
  if (type.getRank() == 2)
    return orthogonalizeFlops(type, getNsSteps());
  return type.getDimSize(0) * orthogonalizeFlops(LoopOp::sliceOf(type), getNsSteps());
}
