// Values of consecutive vector lanes, kept as simple as they are: the same in all lanes, rising by a
// constant every so many lanes, or a vector.
#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::nanochat {

/// What `width` lanes hold. Lane l of a scalar `v` holds v + stride·⌊l / repeat⌋ (integers and indices
/// only, unless stride is 0); lane l of a vector its l-th element.
struct Lanes {
  Value v;
  int64_t stride = 0;
  bool aligned = false; // v is a multiple of the number of lanes, where stride and repeat are 1
  int64_t repeat = 1;   // divides the number of lanes

  bool isVector() const { return isa<VectorType>(v.getType()); }
  bool isUniform() const { return !isVector() && stride == 0; }
  bool isConsecutive() const { return !isVector() && stride == 1 && repeat == 1; }
};

/// Arithmetic on lanes that keeps them as simple as possible.
class LaneBuilder {
public:
  LaneBuilder(ImplicitLocOpBuilder &b, int64_t width) : b(b), width(width) {}

  ImplicitLocOpBuilder &b;
  int64_t width;

  Lanes index(int64_t value);
  /// The lanes as a vector.
  Value vector(Lanes x);
  VectorType vectorOf(Type element) const { return VectorType::get({width}, element); }
  Lanes add(Lanes x, Lanes y);
  Lanes mul(Lanes x, int64_t factor);
  /// x mod c and ⌊x / c⌋ for x >= 0, c > 0.
  Lanes mod(Lanes x, int64_t c);
  Lanes floordiv(Lanes x, int64_t c);
  /// The affine expression at the given dims; a null value where it is none of the above.
  Lanes affine(AffineExpr expr, ArrayRef<Lanes> dims);
};

} // namespace mlir::nanochat
