// From objects to an executable.
#pragma once

#include "lib/Driver/Compile.h"
#include "lib/Driver/KernelObjects.h"

namespace mlir::nanochat {

/// Links objects and the runtime to options.output. Throws nc::Error where that fails; then nothing is left of it.
void linkProgram(const ObjectSet &objects, const CompileOptions &options);

} // namespace mlir::nanochat
