// Codes of a recorded step in the place of those that the reference computes.
#pragma once

#include "lib/Replay/Record.h"
#include "llvm/ADT/DenseSet.h"

namespace mlir::nanochat {

/// The distinct int8 results of an entry's recorded calls, and the rows that a filter keeps: both pipelines quantise
/// the same values, however they group and order ops, and of these the nearest is meant. One may keep codes to itself
/// that the other writes to memory, where it quantises a value again for the gradient, or kept rows of it; those are
/// not distinct.
class RecordedCodes {
public:
  RecordedCodes(func::FuncOp reference, double flippedAtMost);
  /// Is it the result of a quantiser, or rows that are kept? Panels are codes in another order, where the reference has
  /// any.
  bool isCode(Type type) const;
  LogicalResult read(const Record &record, func::FuncOp entry);
  /// The recorded code in the place of `computed`; fails with an error at `call` where it cannot be its.
  FailureOr<Tensor> replace(DispatchOp call, const HostTensor &computed);
  LogicalResult finish(func::FuncOp entry);

  bool differ = false;            // an error was emitted for codes that are not the reference's
  int64_t codes = 0, flipped = 0; // elements seen, and those the reference rounded to something else

private:
  bool isRows(Type type) const;
  /// How many codes are not those at the same place, or rows not among the recorded.
  int64_t countDifferent(const HostTensor &computed, const HostTensor &recorded) const;

  /// The tensor of `with` in the place where `list` has the bytes of `tensor`, or kept rows of it where `list` has
  /// that; null if it has neither.
  Tensor find(ArrayRef<Tensor> list, ArrayRef<Tensor> with, const HostTensor &tensor) const;

  double flippedAtMost;
  SmallVector<int64_t> rowsShape; // (sequences, kept); empty where no filter chooses
  bool hasPanels = false;
  std::vector<Tensor> results;                // recorded
  std::vector<Tensor> replaced, replacements; // what the reference computed, and the recorded in its place
  llvm::SmallDenseSet<size_t> taken;          // of `results`
  std::vector<Tensor> rows;                   // that filters kept, as recorded
  std::vector<Tensor> panels;                 // recorded, where the reference has none
};

} // namespace mlir::nanochat
