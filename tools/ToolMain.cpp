#include "tools/ToolMain.h"
#include "runtime/app/RunApp.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

#include <unistd.h>

static void checkStandardOutput() {
  llvm::raw_fd_ostream &os = llvm::outs();
  os.flush();
  std::error_code error = os.error();
  if (!error)
    return;
  os.clear_error(); // or its destructor reports it in LLVM's words
  llvm::errs() << "error: cannot write the standard output: " << error.message() << "\n";
  _exit(1);
}

/// LLVM ends the process where it meets what it has no other way to report, a full disk among that.
static void failWith(void *, const char *reason, bool) {
  llvm::sys::RunInterruptHandlers(); // they remove temporary files
  llvm::errs() << "error: LLVM cannot go on: " << reason
               << "\nnote: where neither disk nor memory is full, this is a fault of the compiler\n";
  _exit(1);
}

int mlir::nanochat::toolMain(llvm::function_ref<int()> body) {
  llvm::outs(); // constructed before, it is destroyed after the check
  atexit(checkStandardOutput);
  llvm::install_fatal_error_handler(failWith);
  return nc::reportErrors(body);
}
