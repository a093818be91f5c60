// Which ops the tests mention, by kind of test.
#pragma once

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Error.h"

namespace mlir::nanochat {

/// Full op names ("nanochat.linear") found in the tests of each kind.
struct TestedOps {
  llvm::StringSet<> roundtrip, invalid, numeric;

  /// Reads every *.mlir file below `folder`; fails where it cannot be read or holds no test.
  static llvm::Expected<TestedOps> read(StringRef folder);

private:
  void addFile(StringRef text);
};

} // namespace mlir::nanochat
