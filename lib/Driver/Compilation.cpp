#include "lib/Driver/Compilation.h"
#include "dialect/StepIR.h"
#include "lib/Driver/GpuCode.h"
#include "lib/Replay/Replay.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Transforms/IPO/Internalize.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult Compilation::runStages(llvm::function_ref<bool(const Stage &)> isLast) {
  while (next != getStages().end()) {
    const Stage &stage = *next++;
    TimingScope scope = timing.nest(stage.name);
    if (failed(runPasses(module, scope, [&](OpPassManager &pm) { stage.build(pm, options); })))
      return failure();
    if (isLast(stage))
      break;
  }
  return success();
}

//===--- Results -----------------------------------------------------------------------------===//

CodegenTarget Compilation::codegenTarget() const {
  const Target &row = options.target;
  return {row.cpu, row.features(), row.plain ? 1 : 3};
}

LogicalResult Compilation::emit(FileType type, llvm::raw_pwrite_stream &os, bool isWhole) {
  TimingScope scope = timing.nest(isWhole ? "code" : "host code");
  auto machine = createTargetMachine(module.getLoc(), codegenTarget());
  llvm::LLVMContext context;
  if (failed(machine))
    return failure();
  if (isWhole)
    addProgramList(module, symbol());
  auto code = translate(module, context, **machine);
  if (failed(code))
    return failure();
  optimize(**code, **machine, codegenTarget().level);
  // Only now: what is known to be nowhere else would be optimised for its content, sizes among it.
  llvm::internalizeModule(**code, [&](const llvm::GlobalValue &value) {
    return value.getName() == symbol() || value.getName() == "nc_programs";
  });
  return emitCode(module.getLoc(), **code, **machine, type, os);
}

KernelTarget Compilation::kernelTarget(const CudaToolkit &toolkit) const {
  return {codegenTarget(), options.target.onGpu() ? options.target.gpu : std::nullopt, toolkit};
}

FailureOr<std::string> Compilation::addObjects(const KernelCache &cache, const CudaToolkit &toolkit,
                                               ObjectSet &objects) {
  if (failed(runTo(Known::kernels)))
    return failure();
  TimingScope scope = timing.nest("kernels");
  if (failed(compileKernels(module, kernelTarget(toolkit), cache, objects, scope)))
    return failure();
  scope.stop();
  if (failed(runTo(Known::all)))
    return failure();
  auto object = inMemory([&](llvm::raw_pwrite_stream &os) { return emit(FileType::object, os, /*isWhole=*/false); });
  if (failed(object))
    return failure();
  objects[symbol()] = std::move(*object);
  return symbol();
}

LogicalResult Compilation::emitForGpu(bool isText, const CudaToolkit &toolkit, llvm::raw_pwrite_stream &os) {
  // The host's part: entries, and what describes them and their kernels.
  for (Operation &op : llvm::make_early_inc_range(*module.getBody()))
    if (auto global = dyn_cast<LLVM::GlobalOp>(op); getEntry(&op) || (global && global.getInitializerBlock()))
      op.erase();
  auto ptx = writePtx(module, *options.target.gpu, toolkit);
  if (failed(ptx))
    return failure();
  if (isText) {
    os << *ptx;
    return success();
  }
  auto cubin = toolkit.assemble(module.getLoc(), *ptx, *options.target.gpu);
  if (failed(cubin))
    return failure();
  os << (*cubin)->getBuffer();
  return success();
}

FailureOr<bool> Compilation::check(ModuleOp copy, StringRef dispatches, StringRef gradients) {
  ProgramOp own = getProgram(module);
  ProgramIdentity program{own.getModel().str(), own.getTarget().str(), own.getIrHash().str()};
  bool isSame = true;
  auto checkFolder = [&](StringRef folder, llvm::function_ref<FailureOr<bool>(const Record &)> check) -> LogicalResult {
    if (folder.empty())
      return success();
    auto record = Record::open(folder, module, program);
    auto result = succeeded(record) ? check(*record) : FailureOr<bool>();
    isSame &= succeeded(result) && *result;
    return result;
  };
  auto checkReference = [&](const Record &record) -> FailureOr<bool> {
    PipelineOptions plain = options;
    // What rounds as coarsely as to bytes is what gradients are: the reference then rounds what the target does.
    BackwardFormat backward = options.target.numerics.backward;
    bool isCoarse = backward != BackwardFormat::f32 && backward != BackwardFormat::int16;
    if (!isCoarse) {
      plain.target = *findTarget("reference");
      plain.target.numerics = options.target.numerics;
      plain.target.numerics.backward = BackwardFormat::f32;
    }
    plain.target.plain = true;
    if (failed(Compilation(copy, plain, timing).runTo(Known::dispatches)))
      return failure();
    // Codes round otherwise where a value lies next to a half; those of gradients also where these are zero but for
    // rounding.
    return isCoarse ? checkGradients(record, copy, std::max(1e-3, options.target.gradientError), 5e-2)
                    : checkGradients(record, copy, options.target.gradientError, 1e-2);
  };
  auto checkCalls = [&](const Record &record) {
    return checkDispatches(record, options.target.attentionError, options.target.factorError);
  };
  if (failed(checkFolder(dispatches, checkCalls)) || failed(checkFolder(gradients, checkReference)))
    return failure();
  return isSame;
}
