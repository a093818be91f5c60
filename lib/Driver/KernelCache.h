// Objects of kernels on disk, under a hash of everything they are made from: a kernel that any program had is not
// compiled again. Best effort: what cannot be read or written is compiled anew.
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mlir::nanochat {

/// The folder where kernels are kept: $NANOCHAT_CACHE, else nanochat under $XDG_CACHE_HOME or $HOME/.cache; "" if none
/// is known. What is empty counts as not set, and so does what is relative, but for the first.
std::string defaultCacheFolder();

class KernelCache {
public:
  /// A cache in `folder`, made at the first write; "" keeps nothing. Entries unused for a week, and those that exceed a
  /// gigabyte, are removed now and then.
  explicit KernelCache(llvm::StringRef folder);

  /// The name under which what follows from `content` is kept: a hash of it, of this compiler and of its LLVM.
  std::string keyOf(llvm::StringRef content) const;
  /// What is kept under the key; null if there is nothing or it is damaged.
  std::unique_ptr<llvm::MemoryBuffer> find(llvm::StringRef key) const;
  /// Keeps `object`; in whole or not at all. Thread-safe.
  void keep(llvm::StringRef key, llvm::StringRef object) const;

private:
  std::string path(llvm::StringRef key) const;
  std::string folder, compiler; // compiler: a hash of the running executable
};

} // namespace mlir::nanochat
