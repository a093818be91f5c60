// What the uses of values allow: who may overwrite whom, and how stacks lie in memory.
#pragma once

#include "lib/Memory/Place.h"
#include <optional>

namespace mlir::nanochat {

/// Is every use of `value` other than `last` before `producer`?
bool diesAt(Value value, Operation *producer, OpOperand *last);
/// The operand that computing `result` may write over, as its dispatch says; null if there is none.
OpOperand *overwrittenBy(OpResult result);
/// May what computes `next` write over the memory of `old`?
bool canOverwrite(Value next, Value old);
/// Is the value read only through slices of loops, so that it may be laid out with gaps?
bool onlySliced(Value value);

/// How a stack of a loop lies in memory.
struct Layout {
  int64_t base = 0, bytes = 0;
  SmallVector<int64_t> strides;
  bool saved = false; // holds the carried values of its loop, and one more
};
Layout layoutOf(OpResult stack);

/// The stack that holds carried value k of `loop` in every iteration; null if there is none.
OpResult savedStack(LoopOp loop, unsigned k);

/// A carried value that starts a saved one of a loop in its body, all iterations of which are saved too:
/// it lives where that one starts.
struct Chain {
  LoopOp inner;
  unsigned number;
  bool linked; // the inner loop's result is the next value: one iteration ends where the next starts
};
std::optional<Chain> chainOf(LoopOp loop, unsigned k);

} // namespace mlir::nanochat
