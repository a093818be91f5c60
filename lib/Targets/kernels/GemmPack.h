// Factors of a matrix product as the micro-kernel reads them: groups of consecutive k in 32 bits.
#pragma once

#include "lib/Targets/kernels/Evaluator.h"
#include "lib/Targets/kernels/GemmPlan.h"

namespace mlir::nanochat {

/// Reads blocks of lanes × lanes groups of a factor, whatever its layout and producers are.
class BlockReader {
public:
  /// `bind` tells an evaluator where the kernel's arguments live.
  BlockReader(ImplicitLocOpBuilder &b, const MatrixProduct &c, const GemmPlan &p, Factor factor, bool isUnsigned,
              llvm::function_ref<void(Evaluator &)> bind);

  /// The groups at x + 0..lanes-1 and group k + 0..lanes-1, of which `xs` and `ks` exist (others are
  /// zero), x and k multiples of lanes. Vectors along x, one per group of k; or along k, one per x.
  SmallVector<Value> read(Value x, int64_t xs, Value k, int64_t ks, int64_t elements, bool alongX);
  const char *failure() const { return wide.failure ? wide.failure : narrow.failure; }

private:
  Lanes at(Evaluator &e, Lanes x, Lanes k);
  Value alongK(Value x, Value k, int64_t elements);
  Value alongX(Value x, int64_t xs, Value k, int64_t elements);
  Value code(Value elements);
  Value word(Value elements);

  ImplicitLocOpBuilder &b;
  const MatrixProduct &c;
  const GemmPlan &p;
  Factor factor;
  bool isUnsigned;
  Evaluator wide, narrow; // of lanes · per and of lanes elements
};

/// The transpose of n vectors of n elements, n a power of two.
SmallVector<Value> transpose(ImplicitLocOpBuilder &b, SmallVector<Value> rows);

} // namespace mlir::nanochat
