// Recorded steps of a compiled program against the reference.
#pragma once

#include "lib/Replay/Record.h"

namespace mlir::nanochat {

/// Every kernel call of a recorded step again, on what it read then: results are those of the kernel's
/// meaning run through the reference, integers exactly, floats to 1e-5 in relative L2, of
/// attention to `attentionError`, or to what rounding operands by `rounding` can do (Rounding.h). And every value
/// is where the program says: a call reads, and the entry returns, the very bits that a call before wrote.
/// Returns whether all of that holds, after errors at the ops; fails where the record cannot be used.
FailureOr<bool> checkDispatches(const Record &record, double attentionError, double rounding);

/// The gradients entry of a recorded step again, as a whole, through the reference. `reference` is the same
/// model after stage `fuse` of target `reference`; its own errors would flip rounded codes, so every int8
/// result is replaced by the recorded one, from which at most `flipped` of its codes may differ. All results must then
/// be the recorded ones to `gradientError` in relative L2.
FailureOr<bool> checkGradients(const Record &record, ModuleOp reference, double gradientError, double flipped);

} // namespace mlir::nanochat
