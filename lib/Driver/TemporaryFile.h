// Files that other programs read or write for the compiler.
//
#pragma once

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringRef.h"

namespace mlir::nanochat {

/// A file under $TMPDIR that is gone with this object, also where a signal ends the process.
class TemporaryFile {
public:
  /// With that content. Throws nc::Error (exit 1) if it cannot be written.
  explicit TemporaryFile(llvm::StringRef suffix, llvm::StringRef content = "");
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;

  llvm::StringRef path() const { return name; }

private:
  llvm::SmallString<128> name;
};

} // namespace mlir::nanochat
