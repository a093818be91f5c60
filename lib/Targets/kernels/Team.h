// The threads that compute the rows or columns of a rowwise kernel together: one on a CPU, a block on a GPU.
#pragma once

#include "lib/Targets/kernels/Kernel.h"
#include "lib/Targets/kernels/Lanes.h"

namespace mlir::nanochat {

/// How many partial sums a row is reduced to before they are combined: the same on every target, so that sums are the
/// same bits.
inline constexpr int64_t kSumLanes = 16;

/// How the threads of a block are arranged: `across` neighbours hold consecutive vectors of `width` lanes of one row,
/// and `down` such groups work on different rows. `stayTogether`: no thread of a warp diverges, as each has a row.
struct TeamShape {
  int64_t width, across = 1, down = 1;
  bool stayTogether = false;
  int64_t span() const { return width * across; } // lanes of a row at once
  int64_t threads() const { return across * down; }
  bool isBlock() const { return threads() > 1; }
};

/// The thread for which code is built, and what it does together with the others of its block. On a CPU a team is one
/// thread: synchronisation emits nothing.
class Team {
public:
  Team(Kernel &kernel, TeamShape shape);

  const TeamShape shape;

  /// The thread's lanes of the span that starts at `base`, a multiple of the span.
  Lanes lanes(Value base);
  /// The mask of its lanes that are among the first `count` of the span.
  Value mask(int64_t count);
  /// base + the thread's row.
  Value row(Value base);
  /// Reduces the kSumLanes lanes of a span to one value, halving them each time.
  Value combineAcross(Value vector, llvm::function_ref<Value(Value, Value)> combine);
  /// Reduces over threads of different rows, lane by lane, in shared memory. A barrier (byFirstRow) must separate two
  /// calls.
  Value combineDown(Value vector, llvm::function_ref<Value(Value, Value)> combine);
  /// A barrier for the threads of a span, and one for the block.
  void syncAcross();
  void syncBlock();
  /// A barrier, then `body` by one thread: of those that differ in their rows only, or in their lanes only.
  void byFirstRow(llvm::function_ref<void()> body);
  void byFirstAcross(llvm::function_ref<void()> body);
  /// A buffer in scratch memory; each row of the team has its own.
  Value scratch(ArrayRef<int64_t> shape, Type element);

private:
  Value spanMask();
  Value shuffle(Value scalar, int64_t lanes);

  Kernel &kernel;
  ImplicitLocOpBuilder &b;
  Value thread, x, y;             // null where there is but one
  DenseMap<Type, Value> exchange; // shared memory of combineDown, by type
};

} // namespace mlir::nanochat
