// The elements of tensors as values in loops: one evaluator for rowwise kernels and for what is done
// to the operands and the result of a gemm.
#pragma once

#include "lib/Targets/kernels/Lanes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <map>

namespace mlir::nanochat {

/// Evaluates tensors of a kernel's body at `width` lanes, inlining all-parallel producers. Tensors
/// that are stored (arguments, reductions, results) are bound first. A request it cannot serve sets
/// `failed` and yields some value of the right type.
class Evaluator : public LaneBuilder {
public:
  Evaluator(ImplicitLocOpBuilder &b, int64_t width) : LaneBuilder(b, width) { scopes.emplace_back(); }

  /// `tensor` lives in `buffer`. If `owned` is not empty, these are the only leading indices at
  /// which it may be read, and `buffer` lacks those dims if `dropsOwned`.
  void bind(Value tensor, Value buffer, ArrayRef<Lanes> owned = {}, bool dropsOwned = false);
  /// The elements of `tensor` at `at` are `value`, in the current scope.
  void define(Value tensor, ArrayRef<Lanes> at, Lanes value);

  /// tensor[at...].
  Lanes element(Value tensor, ArrayRef<Lanes> at);
  /// tensor[map(dims)...]; bytes of weights in panels are gathered word by word.
  Lanes element(Value tensor, AffineMap map, ArrayRef<Lanes> dims);
  /// A value of the region of `op` at loop indices `dims`; `known` gives values of block arguments.
  Lanes scalar(Value value, linalg::GenericOp op, ArrayRef<Lanes> dims, DenseMap<Value, Lanes> &known);
  /// buffer[at...] = value, in the active lanes.
  void store(Lanes value, Value buffer, ArrayRef<Lanes> at);

  /// The active lanes (vector of i1), or null for all; loads and stores touch no other.
  Value mask;
  /// Vectors of which an index says that they start at a multiple of the width are accessed as such.
  bool alignsVectors = false;
  /// What it met that it cannot evaluate; null if nothing.
  const char *failure = nullptr;

  /// What is evaluated within a scope is forgotten after it; one per loop body.
  struct Scope {
    explicit Scope(Evaluator &e) : e(e), outerMask(e.mask) { e.scopes.emplace_back(); }
    ~Scope() {
      e.scopes.pop_back();
      e.mask = outerMask;
    }
    Evaluator &e;
    Value outerMask;
  };

private:
  struct Buffer {
    Value memref;
    SmallVector<Lanes> owned;
    bool dropsOwned;
  };
  using Key = SmallVector<std::pair<void *, int64_t>>;
  struct KeyLess {
    bool operator()(const Key &x, const Key &y) const {
      return std::lexicographical_compare(x.begin(), x.end(), y.begin(), y.end());
    }
  };

  static Key key(Value tensor, ArrayRef<Lanes> at);
  Lanes fail(Type type, const char *why);
  Lanes compute(Value tensor, ArrayRef<Lanes> at);
  Lanes generic(linalg::GenericOp op, Value tensor, ArrayRef<Lanes> at);
  Lanes reshaped(Value source, ArrayRef<ReassociationIndices> groups, ArrayRef<int64_t> expanded, ArrayRef<Lanes> at,
                 bool collapses);
  Value asIntegers(Value buffer);
  void storeMasked(Value value, Value buffer, ValueRange indices);
  Lanes load(const Buffer &buffer, ArrayRef<Lanes> at);
  llvm::MaybeAlign alignment(MemRefType type, ArrayRef<Lanes> at) const;
  Value loadShuffled(Value memref, ArrayRef<Lanes> at);
  Lanes gather(Value memref, ArrayRef<Lanes> at);
  Lanes gatherWords(Value memref, Lanes out, Lanes in);
  Lanes apply(Operation *op, ArrayRef<Lanes> operands);

  DenseMap<Value, Buffer> buffers;
  SmallVector<std::map<Key, Lanes, KeyLess>> scopes;
};

} // namespace mlir::nanochat
