// The reference lowering: plain loops from decompositions, nothing fused. What everything is tested with.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"

namespace mlir::nanochat {

/// Everything the passes below load, and the translation to LLVM IR. Bufferisation models come with
/// upstream's registerAllDialects and registerAllExtensions.
void registerExecutionDialects(DialectRegistry &registry);

/// Functions on tensors to functions on buffers, in plain loops: `(memrefs, out memrefs) -> ()`.
void addReferenceLoopPasses(OpPassManager &pm);

/// Both: functions on tensors to the LLVM dialect.
void addReferencePasses(OpPassManager &pm);

} // namespace mlir::nanochat
