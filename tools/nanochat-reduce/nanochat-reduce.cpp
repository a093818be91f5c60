// Makes a module smaller while a script of the user's still finds it interesting: for reports of
// bugs.
#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"
#include "tools/Registration.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::nanochat::registerDialectsAndPasses(registry);
  mlir::MLIRContext context(registry);
  return failed(mlir::mlirReduceMain(argc, argv, context));
}
