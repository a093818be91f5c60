// How a GPU block cuts a matrix product, and one of its factors on the way to the tensor cores.
#pragma once

#include "lib/Targets/gpu/Mma.h"
#include "lib/Targets/kernels/Evaluator.h"
#include "lib/Targets/kernels/GemmPlan.h"
#include "lib/Targets/kernels/Kernel.h"

namespace mlir::nanochat {

inline constexpr int64_t kStageBytes = 128, kChunkBytes = 16;

/// Rows and columns of a block and of a warp; a stage of shared memory holds 128 bytes of k of each row.
struct GemmTile {
  int64_t rows, columns;         // of the block
  int64_t warpRows, warpColumns; // of a warp
  int64_t stages;
  int64_t threads() const { return rows / warpRows * (columns / warpColumns) * 32; }
  int64_t sharedBytes() const { return stages * (rows + columns) * kStageBytes; }
};

/// A factor's part of a stage in shared memory: rows of consecutive k or, where the factor lies so in memory and its
/// type allows, rows of consecutive x. Chunks of 16 bytes are permuted within a row so that neither writes nor reads of
/// a warp meet in a bank.
class StagedFactor {
public:
  /// `extent` is that of x, of which the block has `size`.
  StagedFactor(GpuBuilder &g, const MatrixProduct &c, const Factor &factor, Format type, const GemmTile &tile,
               int64_t size, int64_t extent, Kernel &kernel);

  /// Whether it is copied as it is, 16 bytes at a time, rather than computed element by element.
  bool isDirect() const { return direct; }
  int64_t bytes() const { return size * kStageBytes; }
  /// Its stages are in `shared`; the block's part begins at `start`, in a slice if there are any.
  void place(Value shared, Value start, Value slice);

  /// Fetches the stage of k from `k` on to shared memory at `offset`. What is computed is returned, for `store`.
  SmallVector<Value> fetch(Value k, Value offset);
  void store(ValueRange chunks, Value offset);
  /// Fragments of the 16 rows of a, or 16 columns of b, from x on, of the `step`-th 32 bytes of k.
  SmallVector<Value> fragments(Value offset, Value x, int64_t step, bool isA);

  const char *failure() const { return e.failure; }

private:
  struct Chunk {
    Value row, chunk; // within the stage
    Value at;         // bytes within the stage
  };
  Chunk chunkOf(int64_t i);
  Value placeOf(Value row, Value chunk);
  bool areWords() const { return per == 4; }
  Value evaluate(Value x, Value k, Value valid);
  SmallVector<Value> wordsAcross(Value offset, Value x, int64_t step, bool isA);

  GpuBuilder &g;
  ImplicitLocOpBuilder &b;
  const MatrixProduct &c;
  Factor factor;
  Format type;
  int64_t threads, size, extent;
  int64_t per; // elements of a chunk
  bool alongK; // of shared memory
  int64_t chunksInRow;
  bool direct;
  Value source; // the address of a direct factor, or of its slice
  Evaluator e;
  int64_t strideOf(unsigned loop) const;
  Value memory, start, slice;
};

} // namespace mlir::nanochat
