// Where every tensor of an entry lives, decided before anything runs.
//
// A place is a buffer plus an offset plus, per enclosing loop, a stride times the iteration: the body
// of a loop writes what it stacks straight into the stack, slices are addresses into theirs, and a
// carried value is one of
//   saved        where the body also stacks the carried value itself, the stack is its home: iteration
//                i finds it in slot i and leaves the next one in slot i+1;
//   in place     where what yields it may overwrite it (accumulators);
//   alternating  between two slots, otherwise.
// Where none of this is possible, an explicit copy dispatch is inserted; models compile to none.
#ifndef NANOCHAT_LIB_MEMORY_PLACES_H
#define NANOCHAT_LIB_MEMORY_PLACES_H

#include "dialect/StepIR.h"

namespace mlir::nanochat {

/// A piece of an arena. Offsets are assigned by packArena once all lifetimes are known.
struct Buffer {
  Arena arena;
  int64_t bytes;
  Block *owner;          // lifetimes are positions of ops in this block
  int64_t first = -1, last = -1;
  int64_t offset = -1;
  bool plain = false;    // holds one temporary value and nothing else
};

/// Address within a buffer: offset + Σ index_i·stride + Σ (iteration_i mod 2)·alternate + phase.
struct Place {
  struct Term {
    LoopOp loop;
    int64_t stride = 0;    // times the loop's index
    int64_t alternate = 0; // added when iteration + phase is odd
    int64_t phase = 0;
  };
  Buffer *buffer = nullptr;
  int64_t offset = 0;
  SmallVector<Term> terms;
  /// Bytes between elements of the leading dimensions, where the value is a stack that only loops
  /// read; dense where empty.
  SmallVector<int64_t> strides;

  explicit operator bool() const { return buffer; }
  Place at(int64_t bytes) const;
  bool operator==(const Place &other) const;
};

/// Places of all values of one entry.
class PlaceTable {
public:
  explicit PlaceTable(func::FuncOp entry) : entry(entry) {}

  /// Assigns every value a place, inserting copies where needed. `bound` maps binding kind and name
  /// to the buffers shared by all entries of the program and grows with those first met here.
  void assign(llvm::StringMap<std::unique_ptr<Buffer>> &bound);

  Place of(Value value) const { return places.lookup(value); }
  ArrayRef<std::unique_ptr<Buffer>> getBuffers() const { return buffers; }

private:
  /// A carried value: where it starts, where the body finds and leaves it, where it ends.
  struct Carry {
    Place start, arg, next, result;
    bool saved = false; // its start may have other readers: nothing overwrites it
  };
  void placeBlock(Block &block);
  void placeDispatch(DispatchOp op);
  void placeLoop(LoopOp loop);
  /// Copies operands that could not be computed where they are wanted.
  void settle(Operation *terminator, MutableArrayRef<OpOperand> operands, ArrayRef<Place> wanted);
  Carry carryOf(LoopOp loop, unsigned k);
  Place homeOf(OpResult stack);
  Place wish(Value value);
  void demand(Value value, Place place);
  Place newBuffer(Value value, Block *owner);
  Value copyTo(OpBuilder &b, Value value, Place place);
  void findLifetimes();
  void touch(Buffer *buffer, Operation *op);

  func::FuncOp entry;
  DenseMap<Value, Place> places, demands;
  DenseMap<std::pair<Operation *, unsigned>, Carry> carries;
  std::vector<std::unique_ptr<Buffer>> buffers;
  DenseMap<Operation *, std::pair<int64_t, int64_t>> positions;
};

/// Packs buffers of one arena: those whose lifetimes meet do not overlap. Returns the arena's size.
int64_t packArena(ArrayRef<Buffer *> buffers);

/// Bytes of a dense tensor, rounded up to 64.
int64_t bytesOf(Type type);

} // namespace mlir::nanochat
#endif
