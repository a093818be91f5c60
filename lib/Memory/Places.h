// Where every tensor of an entry lives, decided before anything runs.
//
// The body of a loop writes what it stacks straight into the stack, slices are addresses into theirs, and a
// carried value is one of
//   saved        where the body also stacks the carried value itself, the stack is its home: iteration
//                i finds it in slot i and leaves the next one in slot i+1;
//   chained      where it starts a saved value of a loop in the body: it lives in slot 0 of that one;
//   trailing     where the body stacks the next value: it is found one slot behind;
//   in place     where what yields it may overwrite it (accumulators);
//   alternating  between two places, otherwise.
// Where none of this is possible, an explicit copy dispatch is inserted; models compile to none.
#pragma once

#include "lib/Memory/Place.h"

namespace mlir::nanochat {

/// Places of all values of one entry.
class PlaceTable : public HostPlaces {
public:
  explicit PlaceTable(func::FuncOp entry) : entry(entry) {}

  /// Assigns every value a place, inserting copies where needed. `bound` maps binding kind and name
  /// to the buffers shared by all entries of the program and grows with those first met here. Fails,
  /// after an error, where an op stands in the entry that has no places.
  LogicalResult assign(llvm::StringMap<std::unique_ptr<Buffer>> &bound);

  void show(Value result, Value source) override;
  void write(Operation *op, ArrayRef<int64_t> inplace) override;
  void iterate(LoopOp loop) override;
  void join(JoinOp join) override;

  Place of(Value value) const { return places.lookup(value); }
  ArrayRef<std::unique_ptr<Buffer>> getBuffers() const { return buffers; }

private:
  /// A carried value: where it starts, where the body finds and leaves it, where it ends.
  struct Carry {
    Place start, arg, next, result;
    bool saved = false; // nothing overwrites it, so that its start may have other readers
  };
  void placeBlock(Block &block);
  /// Copies operands that could not be computed where they are wanted.
  void settle(Operation *terminator, MutableArrayRef<OpOperand> operands, ArrayRef<Place> wanted);
  Carry carryOf(LoopOp loop, unsigned k);
  Carry savedIn(Place stack, LoopOp loop);
  Carry trailing(Place stack, LoopOp loop, Place start);
  Carry temporary(LoopOp loop, unsigned k);
  bool ownsStart(LoopOp loop, unsigned k);
  Place homeOf(OpResult stack);
  Place chainedHome(OpResult stack);
  Place wish(Value value);
  /// Where a join is, of which parts are computed before.
  Place homeOf(JoinOp join);
  Place wishOfUpdate(OpOperand &use);
  /// May `value` be written to the buffer where it is made? Nothing that its block or those around are given lies there
  /// and is read later.
  bool isFree(const Buffer *buffer, Value value);
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

} // namespace mlir::nanochat
