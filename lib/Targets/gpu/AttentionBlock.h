// What blocks of threads of both attention kernels share: tiles of heads in shared memory, and products of a warp with
// them.
#pragma once

#include "dialect/Nanochat.h"
#include "lib/Targets/gpu/Mma.h"
#include "lib/Targets/kernels/Kernel.h"

namespace mlir::nanochat {

/// Sums of a warp: 16 rows × 8 columns per fragment of 4. Thread (g, t) holds rows g and g + 8, columns 2·t and 2·t
/// + 1.
using Fragments = SmallVector<Value>;

class AttentionBlock {
public:
  static constexpr int64_t kThreads = 128, kRows = 64, kFragment = 8, kStep = 16;

  /// Rows of one head in shared memory, as bf16, zero beyond what there is.
  struct Tile {
    Value memory;
    int64_t rows;
  };
  /// One number for each of some rows in shared memory, of which there may be two.
  struct Column {
    Value buffer; // (2, rows)
    Value slot;
  };
  /// Rows of a global buffer: `first`.. of which `count` exist, channels of one head from `column` on.
  struct Window {
    Value buffer, first, count, column;
  };

  template <typename OpTy>
  AttentionBlock(func::FuncOp source, OpTy op)
      : k(source, kThreads), b(k.b), g(b), seq(op.getSeq()), heads(op.getHeads()), groups(op.getKvHeads()),
        shared(heads / groups) {
    auto type = cast<RankedTensorType>(op.getQ().getType());
    batch = type.getDimSize(0) / seq;
    width = type.getDimSize(1) / heads;
    padded = llvm::alignTo(width, kStep);
    scale = 1.0 / std::sqrt(static_cast<double>(width));
    copies = type.getElementType().isBF16() && width % 8 == 0;
    for (auto [value, buffer] : llvm::zip(source.front().getTerminator()->getOperands(), k.outputs))
      results[cast<OpResult>(value).getResultNumber()].push_back(buffer);
    lane = g.rem(g.thread(), 32);
    warpRow = g.mul(g.div(g.thread(), 32), kStep);
    row = g.div(lane, 4);
    column = g.mul(g.rem(lane, 4), 2);
  }

  Value f32(double value) { return arith::ConstantOp::create(b, b.getF32FloatAttr(value)); }
  Value mulF(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value exp2(Value x);
  int64_t rowBytes() const { return padded * 2 + 16; } // an odd number of 16 bytes: rows lie in different banks

  Tile tile(int64_t rows, int64_t slots = 1) {
    return {g.pointer(k.shared({slots, rows, rowBytes()}, b.getI8Type())), rows};
  }
  Tile slotOf(const Tile &two, Value number) {
    return {g.behind(two.memory, g.mul(number, two.rows * rowBytes())), two.rows};
  }
  Column columnOf(int64_t rows) { return {k.shared({2, rows}, b.getF32Type()), g.i32(0)}; }

  /// All threads start copies to a tile, which may be read after `arrive`.
  void load(const Tile &tile, const Window &window);
  /// Copies column `column` of a window's rows to shared memory; 0 beyond what there is.
  void loadColumn(const Column &to, int64_t rows, const Window &window);
  /// sums[r] = Σ x[r]·y[r] over channels, for `rows` rows, in shared memory.
  void dotRows(const Column &sums, int64_t rows, const Window &x, const Window &y);
  Value read(const Column &column, Value at) {
    return memref::LoadOp::create(b, column.buffer, ValueRange{g.index(column.slot), g.index(at)});
  }
  /// Commits the copies started since the last call as one group; waits for all groups, and for all threads.
  void endStage();
  void arrive();

  /// The 16 rows of the warp times all rows of `y`, over channels.
  Fragments timesRows(const Tile &x, const Tile &y);
  /// sums + p·y, where p are sums of the warp's rows over rows of y, rounded to bf16.
  Fragments addProduct(ArrayRef<Value> p, const Tile &y, ValueRange sums);
  /// Calls fn(row of the tile, column, value index) for each sum of n columns.
  void each(int64_t columns, llvm::function_ref<void(Value row, Value column, int64_t at)> fn);
  /// Writes sums over channels, times `factors` (of rows g and g + 8), to the rows of a window.
  void write(ArrayRef<Value> sums, const Window &window, ArrayRef<Value> factors);
  Fragments zeros(int64_t columns) { return Fragments(columns / kFragment * 4, f32(0)); }
  /// Reduces over the four threads that hold a row of fragments.
  Value acrossRow(Value x, llvm::function_ref<Value(Value, Value)> combine);

  Kernel k;
  ImplicitLocOpBuilder &b;
  GpuBuilder g;
  int64_t seq, heads, groups, shared, batch, width, padded;
  double scale;
  SmallVector<Value> results[3]; // of the kernel, by result of the op
  bool copies;                   // factors lie in memory as tiles hold them
  Value lane, warpRow, row, column;

private:
  void copy(const Tile &tile, const Window &window);
  Value matrixRow(const Tile &tile, Value first, Value chunk);
  Fragments rowsOf(const Tile &tile, int64_t step);
};

} // namespace mlir::nanochat
