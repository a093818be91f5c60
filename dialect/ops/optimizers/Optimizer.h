// What update rules are made of.
#pragma once

#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"

namespace mlir::nanochat {

/// x·α + y·β of equal types.
Value combine(ImplicitLocOpBuilder &b, Value x, double alpha, Value y, double beta);

/// w − lr·(scale·direction + weight_decay·w); lr and weight_decay have rank 0.
Value descend(ImplicitLocOpBuilder &b, Value w, Value direction, double scale, Value lr, Value weightDecay);

/// What Adam makes of states in 8 bits.
struct CodedAdam {
  Value m, v; // before they are rounded
  Value direction;
  SmallVector<Value> states; // codes and scales of m, of v
};

/// Moving averages of Adam and the direction they give; tensors of one type.
struct Adam {
  double beta1, beta2, eps;
  Value t; // steps done, this one included; rank 0

  Value first(ImplicitLocOpBuilder &b, Value m, Value g) const { return combine(b, m, beta1, g, 1 - beta1); }
  Value second(ImplicitLocOpBuilder &b, Value v, Value g) const;
  /// m̂/(√v̂ + eps), corrected for the averages' start at zero.
  Value direction(ImplicitLocOpBuilder &b, Value m, Value v) const;
  /// A step on blocks `g` with states of 8 bits.
  CodedAdam stepCoded(ImplicitLocOpBuilder &b, ValueRange states, Value g) const;
};

/// count + 1.
Value nextCount(ImplicitLocOpBuilder &b, Value count);

/// Momentum and what `NS` makes of it, as Muon does; see nanochat.muon.
struct Muon {
  double momentum;
  bool nesterov;
  int64_t steps;
  double eps;

  Value accumulate(ImplicitLocOpBuilder &b, Value m, Value g) const { return combine(b, m, momentum, g, 1.0); }
  /// NS(g + μ·m), or NS(m), of a matrix or each of a stack of them.
  Value direction(ImplicitLocOpBuilder &b, Value m, Value g) const;
  /// 0.2·√max(A, B) of (…, A, B).
  static double scale(RankedTensorType param);
};

/// Applies `body` to a matrix, or in a loop to those of stacks of them.
Value forEachMatrix(ImplicitLocOpBuilder &b, ValueRange tensors,
                    llvm::function_ref<Value(ImplicitLocOpBuilder &, ValueRange)> body);

/// Fails for parameters that are neither matrices nor stacks of them.
LogicalResult verifyMatrices(Operation *rule);

/// Floating point operations of Newton–Schulz on `matrix`, and on all of a parameter.
int64_t orthogonalizeFlops(RankedTensorType matrix, int64_t steps);
int64_t muonFlops(RankedTensorType param, int64_t steps);

} // namespace mlir::nanochat
