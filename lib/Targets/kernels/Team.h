// The threads that compute the rows or columns of a rowwise kernel together: one on a CPU, a block on a GPU.
#ifndef NANOCHAT_LIB_TARGETS_KERNELS_TEAM_H
#define NANOCHAT_LIB_TARGETS_KERNELS_TEAM_H

#include "lib/Targets/kernels/Kernel.h"
#include "lib/Targets/kernels/Lanes.h"

namespace mlir::nanochat {

/// Every target adds up rows in as many lanes, so that all give the same sums.
inline constexpr int64_t kSumLanes = 16;

/// How threads are arranged: `across` neighbours hold consecutive vectors of `width` lanes, and `down` such groups take
/// different rows. Where they `stayTogether`, all threads of a warp do the same at all times: each has a row.
struct TeamShape {
  int64_t width, across = 1, down = 1;
  bool stayTogether = false;
  int64_t span() const { return width * across; } // lanes of a row at once
  int64_t threads() const { return across * down; }
  bool isBlock() const { return threads() > 1; }
};

/// The thread for which code is built, among those of its team. On a CPU it is alone, and most of this is nothing.
class Team {
public:
  Team(Kernel &kernel, TeamShape shape);

  const TeamShape shape;

  /// The thread's lanes of the span that starts at `base`, a multiple of the span.
  Lanes lanes(Value base);
  /// Which of them are among the first `count` of the span.
  Value mask(int64_t count);
  /// base + the thread's row.
  Value row(Value base);
  /// The combination of all lanes of a span of kSumLanes, in the order of a tree of halves.
  Value combineAcross(Value vector, llvm::function_ref<Value(Value, Value)> combine);
  /// That of what threads of different rows hold for the same lanes. Before it is done again, all must have met
  /// (byFirstRow).
  Value combineDown(Value vector, llvm::function_ref<Value(Value, Value)> combine);
  /// What threads of a span wrote before, all of them may read afterwards.
  void syncAcross();
  /// As that, for the whole block.
  void syncBlock();
  /// body, by the first of the threads that differ in their rows only, or in their lanes; all have come that far.
  void byFirstRow(llvm::function_ref<void()> body);
  void byFirstAcross(llvm::function_ref<void()> body);
  /// A buffer in scratch memory of its own for each row.
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
#endif
