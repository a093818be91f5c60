// What a rowwise kernel computes in loops of its own, and over what its tasks are spread.
#pragma once

#include "lib/Targets/Target.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::nanochat {

/// The reduction that defines `value`, or null.
linalg::GenericOp reductionOf(Value value);

/// Tensors computed in one loop nest: several parallel ones, or one reduction.
struct Group {
  SmallVector<Value> roots;
};

/// Whether tasks share out the rows (leading dims) or the vectors of the last dim.
enum class Split { rows, columns };

struct RowwisePlan {
  SmallVector<Group> groups; // in order of dependence
  SmallVector<Value>
      copies; // arguments whose rows are put aside first: results overwrite them before they are read last
  Split split = Split::rows;
  int64_t rowDims = 0; // leading dims that are rows, for Split::rows
  int64_t rows = 1;    // their product
  int64_t columns = 0; // extent of the last dim, for Split::columns
  int64_t unroll = 1;  // vectors handled at once, for Split::columns
  int64_t perTask = 1; // rows or columns of a task
  int64_t tasks() const { return llvm::divideCeil(split == Split::rows ? rows : columns, perTask); }
};

/// Plans a body of views, fills, parallel and reducing generics; fails on anything else.
FailureOr<RowwisePlan> planRowwise(func::FuncOp kernel, int64_t lanes);

/// Collapses all tensors to one dim where every map is an identity or a scalar, else does nothing.
void flatten(func::FuncOp kernel);

} // namespace mlir::nanochat
