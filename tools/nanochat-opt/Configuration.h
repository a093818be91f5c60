// What a TOML configuration says of a model's compilation.
#pragma once

#include "lib/Pipelines/Pipelines.h"

namespace mlir::nanochat {

struct Configuration {
  std::vector<SizeChoice> sizes;
  std::vector<std::string> optimizers; // as --optimizer takes them
  MemoryChoices memory;                // but codesAtUse and updateInBackward
  std::vector<std::string> allow;      // as --allow takes them
  std::string codes, update, budget;   // as --codes, --update and --budget do
};

/// Reads a file, none if `path` is empty. What the row has no fast kernels for is left out, which is said on standard
/// error. Throws nc::Error where the file has mistakes.
Configuration readConfiguration(const std::string &path, const Target &row);

} // namespace mlir::nanochat
