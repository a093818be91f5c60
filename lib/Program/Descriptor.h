// The constant descriptions a program carries: those of runtime/Abi.h.
#pragma once

#include "lib/Targets/Target.h"

namespace mlir::nanochat {

/// The emitted kernels of a module, in order.
SmallVector<func::FuncOp> emittedKernels(ModuleOp module);
/// The largest scratch of any kernel: of a task, or on a GPU of all blocks that it is launched with.
int64_t scratchBytes(ModuleOp module, const Target &row);

/// Has the description of a kernel, made by nanochat-describe-program, refer to code that another object defines as
/// `symbol`: a function, or for a GPU an nc_device_code.
void setKernelCode(SymbolTable &symbols, StringRef kernel, StringRef symbol, bool isOnGpu);

/// Defines `symbol` as an nc_device_code: PTX and machine code, which may be empty, of a function of that name,
/// launched with `blocks`.
void addDeviceCode(ModuleOp module, StringRef symbol, StringRef function, StringRef ptx, StringRef cubin,
                   KernelAttr kernel, int64_t blocks);

/// The symbol of the description of a program for that target.
std::string programSymbol(StringRef target);
/// Defines nc_programs: the descriptions of these symbols, best first.
void addProgramList(ModuleOp module, ArrayRef<std::string> symbols);

} // namespace mlir::nanochat
