#include "lib/Driver/TemporaryFile.h"
#include "runtime/files/Errors.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir::nanochat;

/// Writes all of it to an open file, which is closed.
static std::error_code writeAndClose(int descriptor, llvm::StringRef content) {
  llvm::raw_fd_ostream os(descriptor, /*shouldClose=*/true);
  os << content;
  os.close();
  std::error_code error = os.error();
  os.clear_error(); // or the destructor ends the process
  return error;
}

TemporaryFile::TemporaryFile(llvm::StringRef suffix, llvm::StringRef content) {
  int descriptor;
  std::error_code error = llvm::sys::fs::createTemporaryFile("nanochat", suffix, descriptor, name);
  if (!error) {
    llvm::sys::RemoveFileOnSignal(name);
    error = writeAndClose(descriptor, content);
  }
  if (!error)
    return;
  llvm::sys::fs::remove(name);
  nc::failRun("cannot write a temporary file: " + error.message(), "TMPDIR names a folder with free space");
}

TemporaryFile::~TemporaryFile() {
  llvm::sys::fs::remove(name);
  llvm::sys::DontRemoveFileOnSignal(name);
}
