// All memory of a process that runs a program, by what it is for.
#pragma once

#include "lib/Targets/Target.h"

namespace mlir::nanochat {

struct ProcessMemory {
  /// Names and bytes, in the order in which plans show them; of a GPU's memory where kernels run on one.
  SmallVector<std::pair<StringRef, int64_t>> classes;
  /// Of the host's memory beside a GPU's: what is copied and what waits to be.
  int64_t host = 0;

  int64_t total() const;
};

/// The bytes of "16GB" or "15.5GiB"; with K, M, G or T, decimal unless there is an i; nothing where it is no such
/// number from 1 on.
std::optional<int64_t> parseBytes(StringRef text);

/// That of a module after stage `emit`, whose kernels run on `threads` threads. The workspace is divided as it is when
/// most of it is in use by a training step; what then lies idle, and what other entries need more, counts as
/// `workspace`.
ProcessMemory memoryOf(ModuleOp emitted, const Target &row, int64_t threads);

} // namespace mlir::nanochat
