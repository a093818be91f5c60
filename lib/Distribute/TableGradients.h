// Gradients of tables, whose rows tokens read: what tokens have to say is exchanged, rather than all rows.
#pragma once

#include "lib/Distribute/Ways.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::nanochat {

/// Parts of gradients of an entry that tokens of its batch add to rows of tables. They are taken out of the gradients,
/// which may then be exchanged long before the first layer's is known, and added to their means.
class TableGradients {
public:
  /// Takes them out of the gradients of `results`, where all ways have fewer tokens than the table has rows; until
  /// `putBack`, results of the entry are what they are of: tokens, and the gradients of what they read.
  TableGradients(func::FuncOp entry, BatchResults &results, const Partition &parts);
  /// Adds them to what the means of gradients are by now, at `b`: to all rows, or to those of this rank's share.
  void putBack(ImplicitLocOpBuilder &b);

private:
  struct Table {
    unsigned gradient, tokens, rows; // results
    RankedTensorType type;
  };
  Value ofOwnRows(ImplicitLocOpBuilder &b, Value tokens, int64_t rows) const;

  func::FuncOp entry;
  Operation *end;
  const Partition parts;
  SmallVector<Table> tables;
  unsigned first; // of the results that it adds
};

} // namespace mlir::nanochat
