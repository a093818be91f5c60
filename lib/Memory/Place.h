// Addresses in arenas, as functions of the iterations of enclosing loops.
#pragma once

#include "dialect/StepIR.h"
#include <memory>

namespace mlir::nanochat {

/// A piece of an arena. Offsets are assigned by packArena once all lifetimes are known.
struct Buffer {
  Arena arena;
  int64_t bytes;
  Block *owner; // lifetimes are positions of ops in this block
  int64_t first = -1, last = -1;
  int64_t offset = -1;
  bool plain = false; // holds one temporary value and nothing else
  bool saved = false; // a stack that a forward loop leaves
  Value value;        // the first that it was made for
};

/// Address in a buffer: offset + Σ index_i·stride_i; or a choice of two places by the iteration of a loop.
struct Place {
  struct Term {
    LoopOp loop;
    int64_t stride; // times the loop's index
  };
  struct Choice;
  Buffer *buffer = nullptr;
  int64_t offset = 0;
  SmallVector<Term> terms;
  /// Bytes between elements of the leading dimensions, where the value is a stack that only loops
  /// read; dense where empty.
  SmallVector<int64_t> strides;
  /// Where set, all of the above is unused.
  std::shared_ptr<const Choice> choice;

  explicit operator bool() const { return buffer || choice; }
  bool operator==(const Place &other) const;
  /// `bytes` further.
  Place at(int64_t bytes) const;
  /// The slice of this stack that the current iteration of `loop` works on, where a dense one has `bytes`; the loop
  /// begins at element `from`.
  Place slice(LoopOp loop, int64_t bytes, int64_t from = 0) const;
  /// The stack of which this is the slice of `loop`; null if it is none.
  Place stackOver(LoopOp loop) const;
  /// What this slice of `loop` is in its next iteration; in the last one, what it was in the first.
  Place ahead(LoopOp loop) const;
  enum class When { isFirst, isEven, isLast };
  /// `yes` in the first iteration of `loop`, in iterations 0, 2, ..., or in the last, else `no`.
  static Place choose(LoopOp loop, When when, const Place &yes, const Place &no);
  void forEachBuffer(llvm::function_ref<void(Buffer *)> visit) const;

private:
  Place map(llvm::function_ref<void(Place &)> change) const;
};

struct Place::Choice {
  LoopOp loop;
  When when;
  Place yes, no;
};

/// Packs buffers of one arena: those whose lifetimes meet do not overlap. Returns the arena's size.
int64_t packArena(ArrayRef<Buffer *> buffers);

/// Bytes of a dense tensor, rounded up to 64.
int64_t bytesOf(Type type);

} // namespace mlir::nanochat
