// The least that each kernel call takes, whatever its code: what no emitter can go below.
#pragma once

#include "mlir/IR/BuiltinOps.h"

namespace mlir::nanochat {

/// The calls of one kernel by one entry. Of a call: `bytes` are those of its operands, each read or written once;
/// `operations` those of its products and sums, a multiply-add being two, in `arithmetic`, a Format.
struct DispatchFloor {
  StringRef entry, kernel, kind, arithmetic;
  int64_t calls = 0, bytes = 0, operations = 0;
};

/// The floors of a module after stage `plan`, in the order of first calls. What entries do on a condition counts as
/// done.
SmallVector<DispatchFloor> collectFloors(ModuleOp planned);

} // namespace mlir::nanochat
