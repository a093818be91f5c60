// Dense blocks in scratch memory and what attention does with them: register-blocked products,
// transposes, copies from and to activations. Blocks are padded to whole vectors, so that only
// copies know about tails.
#pragma once

#include "lib/Targets/kernels/Kernel.h"

namespace mlir::nanochat {

/// A 2-D f32 buffer, seen from `row` on (null: from its first row).
struct Panel {
  Value buffer;
  Value row = nullptr;
};

/// A rows × columns part of activations, at (row, column).
struct Window {
  Value buffer, row, column, rows;
  int64_t columns;
};

/// c[i, j] = Σ_k a[i, k]·b[k, j], or += where `accumulate`; a[k, i] where `transposed`.
struct Product {
  Panel a, b, c;
  bool transposed = false, accumulate = false;
};

class Tiles {
public:
  Tiles(ImplicitLocOpBuilder &b, const CpuFacts &facts);

  ImplicitLocOpBuilder &b;
  const int64_t lanes;
  const int64_t tileRows; // of a product, kept in registers
  const VectorType vector;

  /// Columns of a product's tile for blocks of `width` columns, and `width` padded to it.
  int64_t tileColumns(int64_t width) const;
  int64_t padded(int64_t width) const { return llvm::alignTo(width, tileColumns(width)); }

  /// Emits a product over all columns of c. Rows end at rowEnd(j) for the column tile at j; the sum
  /// runs over kRange(i) for the row tile at i. Row ends are multiples of tileRows.
  void product(const Product &p, llvm::function_ref<Value(Value j)> rowEnd,
               llvm::function_ref<std::pair<Value, Value>(Value i)> kRange);
  /// to[j, i] = factor·from[i, j], for whole vectors.
  void transpose(Value from, Value to, double factor);
  /// The window in the rows of `to`, zeros in its remaining rows and columns. Its i-th row is row `rowOf(i)` of the
  /// buffer, if given.
  void copyIn(const Window &from, Value to, llvm::function_ref<Value(Value i)> rowOf = nullptr);
  /// to = factor·from, each row times rowFactors[i] if given.
  void copyOut(Panel from, const Window &to, double factor, Value rowFactors = nullptr);
  void fillZero(Value buffer);

  Value splat(double value);
  Value splat(Value scalar);
  Value load(Value buffer, ValueRange at);
  void store(Value value, Value buffer, ValueRange at);
  /// 2^x to 1e-7 relative for x <= 127, 2^-126 below -126; NaN stays.
  Value exp2(Value x);
  /// Lanes l with `first` <= start + l.
  Value fromLane(Value first, int64_t start);

private:
  Value offset(const Panel &block, Value i);
  Value plus(Value i, int64_t c);
  /// fn(column, mask) for each vector of `columns`; mask is null where the vector is whole.
  void eachVector(int64_t columns, llvm::function_ref<void(int64_t, Value)> fn);
  void tile(const Product &p, Value i, Value j, int64_t vectors, std::pair<Value, Value> range);
};

} // namespace mlir::nanochat
