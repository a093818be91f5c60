#include "lib/Lowering/Codegen.h"
#include "lib/Targets/Target.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace mlir::nanochat;

static std::string hostFeatures() {
  std::string list;
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    list += (list.empty() ? "" : ",") + std::string(feature.second ? "+" : "-") + feature.first().str();
  return list;
}

FailureOr<std::unique_ptr<llvm::TargetMachine>> mlir::nanochat::createTargetMachine(Location loc,
                                                                                    const CodegenTarget &target) {
  static const bool initialized = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser();
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    return true;
  }();
  (void)initialized;
  llvm::Triple triple(target.triple.empty() ? llvm::sys::getProcessTriple() : target.triple);
  std::string error;
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!found)
    return emitError(loc, "LLVM cannot compile for ") << triple.str() << ": " << error;
  auto native = target.cpu.empty() ? findTarget("native") : std::nullopt;
  std::string cpu = native ? native->cpu : target.cpu, features = native ? native->features() : target.features;
  bool host = cpu.empty() || cpu == kThisCpu;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  auto level = llvm::CodeGenOpt::getLevel(target.level);
  std::unique_ptr<llvm::TargetMachine> machine(found->createTargetMachine(
      triple, host ? llvm::sys::getHostCPUName() : cpu, host ? hostFeatures() : features, options, llvm::Reloc::PIC_,
      std::nullopt, level.value_or(llvm::CodeGenOptLevel::Default)));
  if (!machine)
    return emitError(loc, "LLVM cannot compile for cpu '") << cpu << "'";
  return machine;
}

static llvm::OptimizationLevel passLevel(int level) {
  constexpr const llvm::OptimizationLevel *levels[] = {&llvm::OptimizationLevel::O0, &llvm::OptimizationLevel::O1,
                                                       &llvm::OptimizationLevel::O2, &llvm::OptimizationLevel::O3};
  return *levels[std::clamp(level, 0, 3)];
}

FailureOr<std::unique_ptr<llvm::Module>> mlir::nanochat::translate(ModuleOp module, llvm::LLVMContext &context,
                                                                   llvm::TargetMachine &machine) {
  std::unique_ptr<llvm::Module> code = translateModuleToLLVMIR(module, context, "nanochat");
  if (!code)
    return failure();
  code->setDataLayout(machine.createDataLayout());
  code->setTargetTriple(machine.getTargetTriple());
  code->setPICLevel(llvm::PICLevel::BigPIC);
  // Without these the optimiser assumes a baseline CPU and vectorises for that.
  for (llvm::Function &function : *code) {
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    function.addFnAttr("target-features", machine.getTargetFeatureString());
    if (machine.getTargetTriple().isX86())
      function.addFnAttr("prefer-vector-width", "512");
  }
  return code;
}

void mlir::nanochat::optimize(llvm::Module &code, llvm::TargetMachine &machine, int level) {
  // Emitters unroll what profits; LLVM would go by trip counts, and code would depend on sizes.
  llvm::PipelineTuningOptions tuning;
  tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  builder.buildPerModuleDefaultPipeline(passLevel(level)).run(code, modules);
}

LogicalResult mlir::nanochat::emitCode(Location loc, llvm::Module &code, llvm::TargetMachine &machine, FileType type,
                                       llvm::raw_pwrite_stream &out) {
  if (type == FileType::llvm) {
    code.print(out, nullptr);
    return success();
  }
  llvm::legacy::PassManager emitter;
  auto kind = type == FileType::assembly ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile;
  if (machine.addPassesToEmitFile(emitter, out, nullptr, kind))
    return emitError(loc, "LLVM cannot write this kind of file for the target");
  emitter.run(code);
  return success();
}
