#include "lib/Pipelines/Pipelines.h"
#include "lib/Autodiff/Passes.h"
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
#include "lib/Targets/Passes.h"
#include "lib/Targets/ToLLVM.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::nanochat;

// Passes ask the module for its target, which `model` sets; what is asked of `options` here is which passes there are.

/// Leftovers of a stage: unused results and carried values of loops, equal ops.
static void cleanUp(OpPassManager &pm) {
  GreedyRewriteConfig plain;
  plain.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Normal); // there are no blocks to merge
  pm.addNestedPass<func::FuncOp>(createCanonicalizerPass(plain));
  pm.addNestedPass<func::FuncOp>(createCSEPass());
}

static void model(OpPassManager &pm, const PipelineOptions &options) {
  SetTargetPassOptions target;
  target.target = options.target.spell();
  target.numerics = options.target.numerics.spell();
  pm.addPass(createSetTargetPass(target));
  pm.addPass(createDissolveRegionsPass());
  SetSizesPassOptions sizes;
  for (const SizeChoice &choice : options.sizes)
    sizes.sizes.push_back(choice.name + "=" + choice.value + kPlace + choice.place);
  sizes.preset = options.preset;
  sizes.ways = options.distribution.ways;
  sizes.ranks = options.distribution.ranks;
  sizes.tensor = options.distribution.tensor;
  pm.addPass(createSetSizesPass(sizes));
  SetPoliciesPassOptions policies;
  llvm::append_range(policies.recompute, options.memory.recompute);
  policies.chunk = options.memory.chunk;
  pm.addPass(createSetPoliciesPass(policies));
  RoundStreamsPassOptions streams;
  llvm::append_range(streams.streams, options.memory.streams);
  pm.addPass(createRoundStreamsPass(streams));
  AssignOptimizersPassOptions optimizers;
  llvm::append_range(optimizers.assign, options.optimizers);
  pm.addPass(createAssignOptimizersPass(optimizers));
  pm.addPass(createWidenFloatsPass());
  RecordModelPassOptions program;
  program.onlyOnRequest = options.onlyOnRequest;
  program.choices = options.memory.spell();
  pm.addPass(createRecordModelPass(program));
}

static void quantize(OpPassManager &pm, const PipelineOptions &) { pm.addPass(createExpandTernaryPass()); }

static void differentiate(OpPassManager &pm, const PipelineOptions &options) {
  bool isCut = options.distribution.tensor > 1;
  if (isCut) { // all but what needs no gradients, so that one process generates
    pm.addPass(createBuildForwardEntriesPass());
    pm.addPass(createCutLayersPass());
  }
  pm.addPass(createDifferentiatePass());
  if (!isCut)
    pm.addPass(createBuildForwardEntriesPass());
  pm.addPass(createAddressDrawsPass());
  cleanUp(pm);
  pm.addNestedPass<func::FuncOp>(createSinkGathersPass());
  pm.addNestedPass<func::FuncOp>(createSinkSumsPass());
  pm.addPass(createRecordWorkPass());
  cleanUp(pm);
}

static void optimize(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createBuildUpdatesPass());
  pm.addPass(createProjectGradientsPass());
  if (options.memory.updateInBackward)
    pm.addPass(createUpdateInBackwardPass());
  // Where each layer's codes are gathered for its use, there are no others to do without, and owners make them once.
  if (options.memory.codesAtUse && options.distribution.shard != "weights")
    pm.addPass(createSplitTernarizePass());
  // After differentiation, so that what the gradient reads of the weights is hoisted as well.
  pm.addPass(createHoistInvariantsPass());
  cleanUp(pm);
  if (options.target.packs())
    pm.addPass(createPackWeightsPass());
  pm.addPass(createRecordStepPass());
}

static void distribute(OpPassManager &pm, const PipelineOptions &options) {
  DistributePassOptions distribution;
  distribution.shard = options.distribution.shard;
  distribution.overlap = options.distribution.overlap;
  pm.addPass(createDistributePass(distribution));
}

static void fuse(OpPassManager &pm, const PipelineOptions &options) {
  if (options.target.gpu)
    pm.addNestedPass<func::FuncOp>(createExpandFp4Pass());
  DecomposeForFusionPassOptions whole;
  whole.forGpus = options.target.gpu || options.target.numerics.attention != Format::f32;
  pm.addNestedPass<func::FuncOp>(createDecomposeForFusionPass(whole));
  StoreMastersPassOptions stored;
  llvm::append_range(stored.masters, options.memory.masters);
  pm.addPass(createStoreMastersPass(stored));
  cleanUp(pm);
  pm.addNestedPass<func::FuncOp>(createRoundFactorsPass());
  pm.addNestedPass<func::FuncOp>(createSplitProductsPass());
  pm.addNestedPass<func::FuncOp>(createFormDispatchesPass());
  pm.addPass(createPlaceCopiesPass());
  pm.addPass(createOutlineKernelsPass());
}

static void plan(OpPassManager &pm, const PipelineOptions &) { pm.addPass(createPlanMemoryPass()); }

static void emit(OpPassManager &pm, const PipelineOptions &) {
  pm.addPass(createEmitKernelsPass());
  pm.addPass(createEmitPlainPass()); // what no emitter took, and everything for the reference
}

static void host(OpPassManager &pm, const PipelineOptions &) { pm.addPass(createLowerHostPass()); }

static void describe(OpPassManager &pm, const PipelineOptions &) { pm.addPass(createDescribeProgramPass()); }

static void lower(OpPassManager &pm, const PipelineOptions &options) {
  addKernelToLLVMPasses(pm, options.target.onGpu() ? Processor::gpu : Processor::cpu);
}

std::string MemoryChoices::spell() const {
  SmallVector<std::string> options;
  if (!masters.empty())
    options.push_back("--masters=" + llvm::join(masters, ","));
  if (!streams.empty())
    options.push_back("--stream=" + llvm::join(streams, ","));
  if (!recompute.empty())
    options.push_back("--recompute=" + llvm::join(recompute, ","));
  if (codesAtUse)
    options.push_back("--codes=use");
  if (updateInBackward)
    options.push_back("--update=backward");
  if (chunk)
    options.push_back("--chunk=" + std::to_string(chunk));
  return llvm::join(options, " ");
}

ArrayRef<Stage> mlir::nanochat::getStages() {
  static const Stage stages[] = {
      {"model", "sizes are set; nanochat ops, loops rolled", model},
      {"quantize", "ternary linears are integer products of explicit quantised values", quantize},
      {"differentiate", "one function per entry point; gradients and residuals are values", differentiate},
      {"optimize", "update entries; weights are quantised and packed once per step", optimize},
      {"distribute", "ranks exchange gradients, which are sums over all of them", distribute},
      {"fuse", "every compute op is in a dispatch, of a class for its emitter; identical kernels once", fuse,
       Known::dispatches},
      {"plan", "host functions launch kernels on slots of planned arenas", plan},
      {"emit", "kernels are loops on buffers, by the target's emitters", emit, Known::plan},
      {"host", "host functions speak the runtime's ABI, kernels have wrappers that do", host},
      {"describe", "constants describe the program and its kernels to the runtime", describe, Known::kernels},
      {"lower", "LLVM dialect", lower, Known::all},
  };
  return stages;
}

LogicalResult mlir::nanochat::runPasses(ModuleOp module, TimingScope &timing,
                                        llvm::function_ref<void(OpPassManager &)> build) {
  PassManager pm(module->getContext());
  if (failed(applyPassManagerCLOptions(pm)))
    return failure();
  pm.enableTiming(timing);
  build(pm);
  return pm.run(module);
}
