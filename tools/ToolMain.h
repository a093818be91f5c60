// What the mains of all tools do around their work.
//
#pragma once

#include "llvm/ADT/STLFunctionalExtras.h"

namespace mlir::nanochat {

/// Runs `body` and returns its exit code, or that of the nc::Error it throws, which is printed.
/// However the process ends, it fails (exit 1) where standard output did not take all of it, and
/// where LLVM would abort.
int toolMain(llvm::function_ref<int()> body);

} // namespace mlir::nanochat
