// What a TOML configuration says of a model's compilation.
#pragma once

#include "lib/Pipelines/Pipelines.h"

namespace mlir::nanochat {

struct Configuration {
  std::vector<SizeChoice> sizes;
  std::vector<std::string> optimizers;                         // as --optimizer takes them
  std::vector<std::string> recompute, masters, streams, allow; // as --recompute and so on do
  std::string codes, budget;
  int64_t chunk = 0;
};

/// Reads a file, none if `path` is empty. What the row has no fast kernels for is left out, which is said on standard
/// error. Throws nc::Error where the file has mistakes.
Configuration readConfiguration(const std::string &path, const Target &row);

} // namespace mlir::nanochat
