// The language server: an editor that starts it for .mlir files shows errors of models at their
// place, what a value is and where it comes from.
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "tools/DocumentFilter.h"
#include "tools/Registration.h"
#include "tools/ToolMain.h"

static int serve(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::nanochat::registerDialectsAndPasses(registry);
  mlir::nanochat::filterDocuments();
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}

int main(int argc, char **argv) {
  return mlir::nanochat::toolMain([&] { return serve(argc, argv); });
}
