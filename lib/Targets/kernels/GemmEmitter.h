// Matrix products on CPUs: loops over tasks, slabs, panels and register blocks (Gemm.cpp), the micro-kernel
// (GemmMicro.cpp), and what blocks of scales and bytes without sign need besides (GemmBlocks.cpp).
#pragma once

#include "lib/Targets/kernels/GemmPack.h"
#include "lib/Targets/kernels/Kernel.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir::nanochat {

/// A pass over part of the k loop: from group `k`, `groups` of them.
struct Slab {
  Value k; // in groups
  int64_t groups;
  bool isLast; // holds the end of k
};

/// A register block: rows m + 0..rows-1, columns n + 0..columns-1; n0 is its panel's first column.
struct Tile {
  Value m, n;
  int64_t rows, columns;
};

class GemmEmitter {
public:
  GemmEmitter(func::FuncOp source, MatrixProduct &c, const GemmPlan &p);
  LogicalResult emit();

private:
  void slab(const Slab &s);
  void packA(const Slab &s);
  void packB(const Slab &s, Value n, int64_t columns);
  void sumRows(const Slab &s);
  void sumRowsAcross(const Slab &s);
  void sumRowsAlong(const Slab &s);
  void storeSums(Value words, Value row, Value block, int64_t atOnce, int64_t count);
  void convertScalesOfA(const Slab &s);
  void convertScalesOfB(const Slab &s, Value n, int64_t columns);
  Value scalesAt(const Factor &factor, Lanes x, Lanes block, int64_t active);
  void panels(llvm::function_ref<void(Value n, int64_t columns)> body);
  void tiles(Value n, int64_t columns, llvm::function_ref<void(const Tile &)> body);
  void multiply(const Slab &s, const Tile &t);
  void fetchResults(const Tile &t);
  Carried start(const Tile &t);
  Carried startOfRows(const Tile &t, Carried sumsOfTile, Value block);
  Carried addUp(const Slab &s, const Tile &t, Value first, int64_t groups, ValueRange accumulators);
  Carried addBlocks(const Slab &s, const Tile &t, ValueRange accumulators);
  void finish(const Tile &t, ValueRange accumulators);
  /// Calls body(row, vector, m index, n lanes) for all vectors of a tile, masked where they end.
  void vectors(const Tile &t, llvm::function_ref<void(int64_t, Lanes, Lanes)> body);
  Value dot(Value acc, Value a, Value b);
  Value pairs(Value a, Value b);
  Value addPairs(Value acc, Value x, Value y);
  Carried step(const Slab &s, const Tile &t, Value k, ValueRange in,
               llvm::function_ref<Value(Value, Value, Value)> add);
  Value wordOfA(const Slab &s, const Tile &t, int64_t i, Value k);
  /// Where panelA holds the word of row `m` + i, both of one tile.
  SmallVector<Value> placeInA(Value m, int64_t i, Value k);
  Value vectorOfB(const Slab &s, const Tile &t, Value k, int64_t column);
  Value local(Value m) { return arith::SubIOp::create(b, m, m0); }
  Value plus(Value x, int64_t y) { return y ? arith::AddIOp::create(b, x, constantIndex(b, y)) : x; }
  Value times(Value x, int64_t y) { return arith::MulIOp::create(b, x, constantIndex(b, y)); }
  /// Calls body(row, rows) for the rows of the task, at most `lanes` at once.
  void rows(llvm::function_ref<void(Value, int64_t)> body);
  /// How many groups have a sum, and a scale, of their own, and how many there are of them in the slab.
  int64_t blockOf(const Slab &s) const { return c.block ? p.perBlock : s.groups; }
  int64_t blocksIn(const Slab &s) const { return s.groups / blockOf(s); }
  /// Where `sums` and `scalesA` hold the number of a row and block.
  SmallVector<Value> placeOf(Value row, Value block, bool blocksFirst) {
    return blocksFirst ? SmallVector<Value>{block, row} : SmallVector<Value>{row, block};
  }
  int64_t elementsIn(const Slab &s) {
    // Only the last slab may end within a group.
    return s.isLast ? c.K - (p.kGroups - s.groups) * p.per : s.groups * p.per;
  }

  MatrixProduct &c;
  const GemmPlan &p;
  Kernel kernel;
  ImplicitLocOpBuilder &b;
  Evaluator e;
  std::unique_ptr<BlockReader> readA, readB;
  Type word; // 32 bits of a factor
  VectorType wordVector, sumVector;
  bool packsA, packsB, slabs;
  bool across; // panelA holds rows side by side, (rows / unit, k, unit), as they lie in memory; else (rows, k)
  Value m0, n0, mBlock, group;         // of the task
  Value panelA, panelB, partial, sums; // scratch
  Value scalesA, scalesB;              // those of blocks, as floats
  Value directA, directB;              // inputs that need no packing
};

} // namespace mlir::nanochat
