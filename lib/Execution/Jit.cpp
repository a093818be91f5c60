#include "lib/Execution/Jit.h"
#include "dialect/Nanochat.h"
#include "lib/Reference/Reference.h"
#include "runtime/emulator/Emulator.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/CompileUtils.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"

using namespace mlir;
using namespace mlir::nanochat;

static std::string packedName(StringRef name) { return ("packed." + name).str(); }

/// Beside every public function of words, one that takes them in an array: C++ cannot call with a
/// number of arguments known at run time only.
static void addPackedEntries(llvm::Module &code) {
  SmallVector<llvm::Function *> entries;
  for (llvm::Function &function : code)
    if (!function.isDeclaration() && function.hasExternalLinkage())
      entries.push_back(&function);
  for (llvm::Function *function : entries) {
    llvm::IRBuilder<> b(code.getContext());
    auto *type = llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy()}, false);
    auto *packed = llvm::Function::Create(type, llvm::Function::ExternalLinkage, packedName(function->getName()), code);
    b.SetInsertPoint(llvm::BasicBlock::Create(code.getContext(), "entry", packed));
    SmallVector<llvm::Value *> args;
    for (llvm::Argument &arg : function->args()) {
      llvm::Value *word = b.CreateConstGEP1_64(b.getInt64Ty(), packed->getArg(0), arg.getArgNo());
      args.push_back(b.CreateLoad(arg.getType(), word));
    }
    b.CreateCall(function, args);
    b.CreateRetVoid();
  }
}

Jit::Jit() = default;
Jit::~Jit() = default;

FailureOr<std::unique_ptr<Jit>> Jit::compile(ModuleOp module, CodegenTarget target) {
  auto machine = createTargetMachine(module.getLoc(), target);
  if (failed(machine))
    return failure();
  auto context = std::make_unique<llvm::LLVMContext>();
  auto code = translate(module, *context, **machine);
  if (failed(code))
    return failure();
  optimize(**code, **machine, target.level);
  addPackedEntries(**code);
  std::unique_ptr<Jit> jit(new Jit());
  auto engine =
      llvm::orc::LLJITBuilder()
          .setDataLayout((*code)->getDataLayout())
          .setCompileFunctionCreator([&](llvm::orc::JITTargetMachineBuilder)
                                         -> llvm::Expected<std::unique_ptr<llvm::orc::IRCompileLayer::IRCompiler>> {
            return std::make_unique<llvm::orc::TMOwningSimpleCompiler>(std::move(*machine));
          })
          .create();
  if (!engine)
    return module.emitError("no code can run here: ") << llvm::toString(engine.takeError());
  jit->engine = std::move(*engine);
  llvm::orc::SymbolMap emulator;
  for (const nc::EmulatorSymbol &symbol : ArrayRef(nc::kEmulatorSymbols, nc::kEmulatorSymbolCount))
    emulator[jit->engine->mangleAndIntern(symbol.name)] = {llvm::orc::ExecutorAddr::fromPtr(symbol.address),
                                                           llvm::JITSymbolFlags::Exported};
  if (auto error = jit->engine->getMainJITDylib().define(llvm::orc::absoluteSymbols(std::move(emulator))))
    return module.emitError("code cannot be loaded: ") << llvm::toString(std::move(error));
  if (auto error = jit->engine->addIRModule({std::move(*code), std::move(context)}))
    return module.emitError("code cannot be loaded: ") << llvm::toString(std::move(error));
  return jit;
}

void *Jit::lookup(StringRef name) {
  auto address = engine->lookup(name);
  if (address)
    return address->toPtr<void *>();
  llvm::errs() << llvm::toString(address.takeError()) << '\n';
  return nullptr;
}

void Jit::call(StringRef name, ArrayRef<uint64_t> words) {
  void *entry = lookup(packedName(name));
  assert(entry && "call of a function that is not there");
  reinterpret_cast<void (*)(const uint64_t *)>(entry)(words.data());
}

FailureOr<std::unique_ptr<Jit>> mlir::nanochat::compileReference(ModuleOp module, ArrayRef<func::FuncOp> entries,
                                                                 int level) {
  llvm::StringSet<> names;
  for (func::FuncOp entry : entries)
    names.insert(entry.getName());
  OwningOpRef<ModuleOp> copy = module.clone();
  for (Operation &op : llvm::make_early_inc_range(*copy->getBody())) {
    if (auto func = dyn_cast<func::FuncOp>(op))
      func.setVisibility(names.contains(func.getName()) ? SymbolTable::Visibility::Public
                                                        : SymbolTable::Visibility::Private);
    if (isa<ModelOp, ProgramOp>(op))
      op.erase();
  }
  PassManager pm(module.getContext());
  addReferencePasses(pm);
  if (failed(pm.run(*copy)))
    return failure();
  CodegenTarget target;
  target.level = level;
  return Jit::compile(*copy, target);
}
