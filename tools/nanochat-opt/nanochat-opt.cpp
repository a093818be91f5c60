#include "dialect/Nanochat.h"
#include "lib/Autodiff/Passes.h"
#include "lib/Execution/Passes.h"
#include "lib/Execution/Reference.h"
#include "lib/Fusion/Passes.h"
#include "lib/Lowering/Passes.h"
#include "lib/Memory/Passes.h"
#include "lib/Quantize/Passes.h"
#include "lib/Targets/Passes.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
using namespace mlir;
int main(int argc, char **argv) {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<nanochat::NanochatDialect>();
  nanochat::registerExternalModels(registry);
  nanochat::registerExecutionDialects(registry);
  registerAllPasses();
  nanochat::registerAutodiffPasses();
  nanochat::registerExecutionPasses();
  nanochat::registerFusionPasses();
  nanochat::registerLoweringPasses();
  nanochat::registerMemoryPasses();
  nanochat::registerQuantizePasses();
  nanochat::registerTargetsPasses();
  return asMainReturnCode(MlirOptMain(argc, argv, "nanochat compiler\n", registry));
}
