#include "tools/Registration.h"
#include "dialect/Nanochat.h"
#include "lib/Autodiff/Passes.h"
#include "lib/Checks/Passes.h"
#include "lib/Distribute/Passes.h"
#include "lib/Entries/Passes.h"
#include "lib/Fusion/Passes.h"
#include "lib/Lowering/Passes.h"
#include "lib/Memory/Passes.h"
#include "lib/Optimize/Passes.h"
#include "lib/Pipelines/Passes.h"
#include "lib/Program/Passes.h"
#include "lib/Quantize/Passes.h"
#include "lib/Reference/Passes.h"
#include "lib/Reference/Reference.h"
#include "lib/Targets/Passes.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

using namespace mlir;
using namespace mlir::nanochat;

void mlir::nanochat::registerDialectsAndPasses(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<NanochatDialect>();
  registerExternalModels(registry);
  registerExecutionDialects(registry);
  registerAllPasses();
  registerAutodiffPasses();
  registerChecksPasses();
  registerEntriesPasses();
  registerFusionPasses();
  registerLoweringPasses();
  registerMemoryPasses();
  registerDistributePasses();
  registerOptimizePasses();
  registerPipelinesPasses();
  registerProgramPasses();
  registerQuantizePasses();
  registerReferencePasses();
  registerTargetsPasses();
}
