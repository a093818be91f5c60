// The least that each kernel call takes, whatever its code: what no emitter can go below.
#pragma once

#include "mlir/IR/BuiltinOps.h"

namespace mlir::nanochat {

/// The calls of one kernel by one entry. Of a call: `bytes` are those of its operands, each read or written once;
/// `operations` those of its products and sums, a multiply-add being two, in `arithmetic`, a Format.
struct DispatchFloor {
  StringRef entry, kernel, kind, arithmetic;
  int64_t bytes = 0, operations = 0;
  double calls = 0; // of a step on average: what is done on a condition counts by how often it is
};

/// The floors of a module after stage `plan`, in the order of first calls.
SmallVector<DispatchFloor> collectFloors(ModuleOp planned);

} // namespace mlir::nanochat
