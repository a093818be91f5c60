// What `nanochat-opt --help` shows.
//
#pragma once

#include "runtime/app/ToolCommandLine.h"

namespace mlir::nanochat {

/// Usage, examples, commands, the tool's own options by heading and our passes, in lines of at most `columns`
/// characters. MLIR's and LLVM's options and passes are those of --help-hidden.
std::string helpText(const nc::Tool &tool, size_t columns);

} // namespace mlir::nanochat
