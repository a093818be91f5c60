#include "lib/Driver/KernelObjects.h"
#include "lib/Driver/GpuCode.h"
#include "lib/Pipelines/Pipelines.h"
#include "lib/Targets/ToLLVM.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/Threading.h"
#include "runtime/files/Errors.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Transforms/IPO/Internalize.h"
#include <mutex>

using namespace mlir;
using namespace mlir::nanochat;

FailureOr<std::unique_ptr<llvm::MemoryBuffer>>
mlir::nanochat::inMemory(llvm::function_ref<LogicalResult(llvm::raw_pwrite_stream &)> write) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream os(bytes);
  if (failed(write(os)))
    return failure();
  return std::unique_ptr<llvm::MemoryBuffer>(std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(bytes), false));
}

/// "gemm_64x32" for "gemm_64x32_7": what does not tell where in a program the kernel was.
static StringRef stem(StringRef kernel) {
  auto [stem, number] = kernel.rsplit('_');
  return kernel.count('_') > 1 && llvm::all_of(number, llvm::isDigit) ? stem : kernel;
}

namespace {
/// A kernel in a module of its own, with everything it refers to.
struct Part {
  OwningOpRef<ModuleOp> module;
  std::string kernel; // its name in the program
  KernelAttr facts;
  std::string key, symbol;
  std::unique_ptr<llvm::MemoryBuffer> object;

  /// The kernel's name in it.
  StringRef name() const { return stem(kernel); }
};

class PartBuilder {
public:
  explicit PartBuilder(SymbolTable &symbols) : symbols(symbols) {}

  /// Moves the kernel and its wrapper out of the program and copies constants and declarations. What is named after the
  /// place in the program gets another name, so that equal kernels have equal modules.
  Part take(func::FuncOp kernel) {
    Operation *wrapper = symbols.lookup((kernel.getName() + kKernelRunSuffix).str());
    Part part{ModuleOp::create(UnknownLoc::get(wrapper->getContext())),
              kernel.getName().str(),
              getKernel(kernel),
              "",
              "",
              nullptr};
    needed.clear();
    needed.insert(wrapper);
    for (size_t i = 0; i < needed.size(); ++i)
      insert(*part.module, needed[i]);
    // The wrapper last, as the kernel may bear the name it gets.
    SymbolTable own(*part.module);
    for (size_t i = needed.size(); i-- > 0;)
      if (auto symbol = cast<SymbolOpInterface>(*std::next(part.module->getBody()->begin(), i)); !isDeclaration(symbol))
        (void)own.rename(symbol, i ? "part." + std::to_string(i) : part.name().str());
    return part;
  }

private:
  static bool isDeclaration(SymbolOpInterface symbol) {
    auto function = dyn_cast<FunctionOpInterface>(symbol.getOperation());
    return function ? function.isExternal() : symbol.isDeclaration();
  }

  void insert(ModuleOp part, Operation *op) {
    auto uses = SymbolTable::getSymbolUses(op);
    for (SymbolTable::SymbolUse use : *uses)
      if (Operation *used = symbols.lookup(use.getSymbolRef().getRootReference()))
        needed.insert(used);
    if (!isa<FunctionOpInterface>(op) || isDeclaration(cast<SymbolOpInterface>(op)))
      return part.push_back(op->clone());
    symbols.remove(op);
    op->remove();
    part.push_back(op);
  }

  SymbolTable &symbols;
  llvm::SetVector<Operation *> needed; // the wrapper first
};
} // namespace

/// Looks the part up in the cache, by its text and what it is compiled for.
static void find(Part &part, const llvm::TargetMachine &machine, const KernelTarget &target, const KernelCache &cache) {
  std::string content;
  llvm::raw_string_ostream os(content);
  os << machine.getTargetCPU() << ' ' << machine.getTargetFeatureString() << ' ' << target.host.level << '\n';
  if (target.gpu)
    os << target.gpu->chip << ' ' << target.gpu->ptx << ' ' << target.toolkit.describe() << ' '
       << target.gpu->blocksOf(part.facts) << '\n';
  part.module->print(os);
  part.key = cache.keyOf(content);
  part.symbol = (part.name() + "." + part.key).str();
  part.object = cache.find(part.key);
}

/// The part in the LLVM dialect as a function for the host.
static FailureOr<std::unique_ptr<llvm::Module>> compileForHost(ModuleOp lowered, const Part &part,
                                                               llvm::LLVMContext &context, llvm::TargetMachine &machine,
                                                               int level) {
  auto code = translate(lowered, context, machine);
  if (failed(code))
    return failure();
  llvm::Function *run = (*code)->getFunction(part.name());
  llvm::internalizeModule(**code, [&](const llvm::GlobalValue &value) { return &value == run; });
  run->setName(part.symbol);
  run->setVisibility(llvm::GlobalValue::HiddenVisibility);
  optimize(**code, machine, level);
  return code;
}

/// The part in the LLVM dialect as constants that hold its code for a GPU.
static FailureOr<std::unique_ptr<llvm::Module>> compileForGpu(ModuleOp lowered, const Part &part,
                                                              llvm::LLVMContext &context, llvm::TargetMachine &machine,
                                                              const KernelTarget &target) {
  auto ptx = writePtx(lowered, *target.gpu, target.toolkit, part.name());
  if (failed(ptx))
    return failure();
  std::unique_ptr<llvm::MemoryBuffer> cubin;
  if (target.toolkit.hasPtxas()) {
    auto assembled = target.toolkit.assemble(lowered.getLoc(), *ptx, *target.gpu);
    if (failed(assembled))
      return failure();
    cubin = std::move(*assembled);
  }
  OwningOpRef<ModuleOp> data = ModuleOp::create(lowered.getLoc());
  addDeviceCode(*data, part.symbol, part.name(), *ptx, cubin ? cubin->getBuffer() : "", part.facts,
                target.gpu->blocksOf(part.facts));
  return translate(*data, context, machine);
}

/// Compiles a part in the LLVM dialect.
static LogicalResult compile(ModuleOp lowered, Part &part, const KernelTarget &target, const KernelCache &cache) {
  auto machine = createTargetMachine(lowered.getLoc(), target.host);
  llvm::LLVMContext context;
  if (failed(machine))
    return failure();
  auto code = target.gpu ? compileForGpu(lowered, part, context, **machine, target)
                         : compileForHost(lowered, part, context, **machine, target.host.level);
  if (failed(code))
    return failure();
  auto object = inMemory(
      [&](llvm::raw_pwrite_stream &os) { return emitCode(lowered.getLoc(), **code, **machine, FileType::object, os); });
  if (failed(object))
    return failure();
  part.object = std::move(*object);
  cache.keep(part.key, part.object->getBuffer());
  return success();
}

/// Lowers and compiles the parts that have no object yet.
static LogicalResult compileMissing(MutableArrayRef<Part> parts, MLIRContext *context, const KernelTarget &target,
                                    const KernelCache &cache, TimingScope &timing) {
  // Side by side in one module, where passes run on them in parallel.
  OwningOpRef<ModuleOp> all = ModuleOp::create(UnknownLoc::get(context));
  SmallVector<std::pair<Part *, ModuleOp>> missing;
  llvm::StringSet<> keys;
  for (Part &part : parts) {
    if (part.object || !keys.insert(part.key).second)
      continue;
    missing.push_back({&part, *part.module});
    all->push_back(part.module.release());
  }
  TimingScope lowering = timing.nest("lower");
  Processor processor = target.gpu ? Processor::gpu : Processor::cpu;
  if (failed(
          runPasses(*all, lowering, [&](OpPassManager &pm) { addKernelToLLVMPasses(pm.nest<ModuleOp>(), processor); })))
    return failure();
  lowering.stop();
  TimingScope compiling = timing.nest("compile");
  std::exception_ptr problem; // LLVM's threads let none pass
  std::mutex mutex;
  LogicalResult result = failableParallelForEach(context, missing, [&](auto &pair) -> LogicalResult {
    try {
      return compile(pair.second, *pair.first, target, cache);
    } catch (const nc::Error &) {
      std::lock_guard lock(mutex);
      problem = std::current_exception();
      return failure();
    }
  });
  if (problem)
    std::rethrow_exception(problem);
  return result;
}

LogicalResult mlir::nanochat::compileKernels(ModuleOp module, const KernelTarget &target, const KernelCache &cache,
                                             ObjectSet &objects, TimingScope &timing) {
  auto machine = createTargetMachine(module.getLoc(), target.host);
  if (failed(machine))
    return failure();
  SymbolTable symbols(module);
  PartBuilder builder(symbols);
  std::vector<Part> parts;
  for (func::FuncOp kernel : emittedKernels(module))
    parts.push_back(builder.take(kernel));
  parallelForEach(module.getContext(), parts, [&](Part &part) { find(part, **machine, target, cache); });
  if (failed(compileMissing(parts, module.getContext(), target, cache, timing)))
    return failure();
  for (Part &part : parts) {
    setKernelCode(symbols, part.kernel, part.symbol, target.gpu.has_value());
    if (part.object)
      objects.try_emplace(part.symbol, std::move(part.object));
  }
  return success();
}
