// Headings of the compiler's options.
#pragma once

#include "llvm/Support/CommandLine.h"

namespace mlir::nanochat {

inline llvm::cl::OptionCategory compiling("Compiling a model"), looking("Looking inside"),
    checking("Checking a target");

} // namespace mlir::nanochat
