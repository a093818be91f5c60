#include "lib/Checks/KernelCheck.h"
#include "lib/Lowering/KernelWrappers.h"
#include "lib/Targets/Target.h"
#include "lib/Targets/ToLLVM.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Transforms/Passes.h"
#include "runtime/emulator/Emulator.h"
#include <cstring>

using namespace mlir;
using namespace mlir::nanochat;

/// Gives the scratch argument a static size, if it has none: only that can be a bare pointer.
static void sizeScratch(func::FuncOp kernel, int64_t bytes) {
  BlockArgument scratch = kernel.getArguments().back();
  if (cast<MemRefType>(scratch.getType()).hasStaticShape())
    return;
  OpBuilder b = OpBuilder::atBlockBegin(&kernel.getBody().front());
  auto cast = memref::CastOp::create(b, kernel.getLoc(), scratch.getType(), scratch);
  scratch.replaceAllUsesExcept(cast, cast);
  scratch.setType(MemRefType::get({bytes}, b.getI8Type()));
  kernel.setType(b.getFunctionType(kernel.getBody().getArgumentTypes(), {}));
}

FailureOr<KernelRunner> KernelRunner::compile(func::FuncOp emitted, CodegenTarget target) {
  KernelAttr facts = getKernel(emitted);
  if (!facts || !facts.isEmitted())
    return emitted.emitError("is no emitted kernel: it has no ") << KernelAttr::name << " with tasks";
  int64_t bytes = std::max<int64_t>(facts.getScratch(), 1);
  KernelRunner runner;
  runner.taskCount = facts.getTasks();
  runner.name = emitted.getName();
  runner.scratch.resize(bytes + 64);
  OwningOpRef<ModuleOp> module(emitted->getParentOfType<ModuleOp>().clone());
  for (auto func : module->getOps<func::FuncOp>())
    func.setVisibility(func.getName() == emitted.getName() ? SymbolTable::Visibility::Public
                                                           : SymbolTable::Visibility::Private);
  auto kernel = module->lookupSymbol<func::FuncOp>(emitted.getName());
  if (!facts.isOfBlock())
    sizeScratch(kernel, bytes);
  wrapForCpu(kernel);
  PassManager pm(emitted.getContext());
  pm.addPass(createSymbolDCEPass());
  addKernelToLLVMPasses(pm);
  if (failed(pm.run(*module)))
    return failure();
  auto jit = Jit::compile(*module, target);
  if (failed(jit))
    return failure();
  runner.jit = std::move(*jit);
  return runner;
}

void KernelRunner::runTask(int64_t task, ArrayRef<uint64_t> buffers) {
  std::fill(scratch.begin(), scratch.end(), char(0xff));
  jit->call(name + kKernelRunSuffix.str(), {reinterpret_cast<uint64_t>(buffers.data()), uint64_t(task),
                                            llvm::alignTo(reinterpret_cast<uint64_t>(scratch.data()), 64)});
}

/// Emits an error at `kernel` if `found` is not near enough to `expected`.
static LogicalResult compareResult(func::FuncOp kernel, unsigned number, StringRef order, const HostTensor &found,
                                   const HostTensor &expected, double tolerance) {
  std::string difference = describeDifference(found, expected, tolerance);
  if (difference.empty())
    return success();
  return kernel.emitError("result ") << number << " of the tasks in " << order << " order is wrong at " << difference;
}

LogicalResult mlir::nanochat::checkKernel(func::FuncOp meaning, func::FuncOp emitted,
                                          const std::vector<HostTensor> &inputs, double tolerance) {
  auto expected = allocate(meaning, meaning.getResultTypes());
  auto reference = compileReference(meaning->getParentOfType<ModuleOp>(), meaning);
  auto runner = KernelRunner::compile(emitted);
  if (failed(expected) || failed(reference) || failed(runner))
    return failure();
  (*reference)->call(meaning.getName(), wordsOf({&inputs, &*expected}));
  ArrayRef<int64_t> inplace = getKernel(meaning) ? getKernel(meaning).getOverwritten() : ArrayRef<int64_t>();
  for (StringRef order : {"rising", "falling"}) {
    std::vector<HostTensor> copies, found;
    for (const HostTensor &input : inputs)
      copies.push_back(input.copy());
    SmallVector<uint64_t> words = wordsOf({&copies});
    std::vector<int64_t> over(expected->size(), -1); // the input a result overwrites
    for (auto [i, result] : llvm::enumerate(*expected)) {
      if (i < inplace.size())
        over[i] = inplace[i];
      std::memset(found.emplace_back(result.type()).data(), 0xff, result.byteSize());
      words.push_back(over[i] < 0 ? found[i].word() : copies[over[i]].word());
    }
    nc_emulate_falling = order == "falling";
    for (int64_t i = 0; i < runner->tasks(); ++i)
      runner->runTask(order == "rising" ? i : runner->tasks() - 1 - i, words);
    for (auto [i, result] : llvm::enumerate(*expected))
      if (failed(compareResult(meaning, i, order, over[i] < 0 ? found[i] : copies[over[i]], result, tolerance)))
        return failure();
    for (auto [i, input] : llvm::enumerate(inputs))
      if (!llvm::is_contained(over, int64_t(i)) && !copies[i].sameBytes(input))
        return meaning.emitError("writes to input ") << i << ", which no result may overwrite";
  }
  return success();
}
