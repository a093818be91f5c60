#include "lib/Driver/GpuCode.h"
#include "lib/Lowering/Codegen.h"
#include "lib/Targets/gpu/Mma.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Intrinsics.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Transforms/IPO/Internalize.h"
#include "llvm/Transforms/Utils/LoopUtils.h"

using namespace mlir;
using namespace mlir::nanochat;

/// The C library's function for an intrinsic that LLVM has no code for on GPUs; null for others.
static const char *libraryName(llvm::Intrinsic::ID intrinsic) {
  switch (intrinsic) {
#define NC_FUNCTION(name)                                                                                              \
  case llvm::Intrinsic::name:                                                                                          \
    return #name
    NC_FUNCTION(exp);
    NC_FUNCTION(exp2);
    NC_FUNCTION(log);
    NC_FUNCTION(log2);
    NC_FUNCTION(log10);
    NC_FUNCTION(sin);
    NC_FUNCTION(cos);
    NC_FUNCTION(tan);
    NC_FUNCTION(tanh);
    NC_FUNCTION(pow);
    NC_FUNCTION(atan2);
#undef NC_FUNCTION
  default:
    return nullptr;
  }
}

/// Calls `function` on scalars, for each element where those are vectors.
static llvm::Value *callByElement(llvm::IRBuilder<> &b, llvm::FunctionCallee function, llvm::CallInst *call) {
  auto *vector = dyn_cast<llvm::FixedVectorType>(call->getType());
  auto arguments = [&](std::optional<unsigned> element) {
    SmallVector<llvm::Value *> values;
    for (llvm::Value *argument : call->args())
      values.push_back(element ? b.CreateExtractElement(argument, *element) : argument);
    return values;
  };
  if (!vector)
    return b.CreateCall(function, arguments(std::nullopt));
  llvm::Value *result = llvm::PoisonValue::get(vector);
  for (unsigned i = 0; i < vector->getNumElements(); ++i)
    result = b.CreateInsertElement(result, b.CreateCall(function, arguments(i)), i);
  return result;
}

/// Intrinsics that LLVM has no code for on GPUs become calls of the C library's functions.
static void callLibrary(llvm::Module &code) {
  SmallVector<llvm::CallInst *> calls;
  for (llvm::Function &function : code)
    if (libraryName(function.getIntrinsicID()))
      for (llvm::User *user : function.users())
        calls.push_back(cast<llvm::CallInst>(user));
  for (llvm::CallInst *call : calls) {
    llvm::Type *scalar = call->getType()->getScalarType();
    std::string name = libraryName(call->getCalledFunction()->getIntrinsicID());
    auto *type = llvm::FunctionType::get(scalar, SmallVector<llvm::Type *>(call->arg_size(), scalar), false);
    llvm::IRBuilder<> b(call);
    call->replaceAllUsesWith(
        callByElement(b, code.getOrInsertFunction(name + (scalar->isFloatTy() ? "f" : ""), type), call));
    call->eraseFromParent();
  }
}

/// Functions that a kernel calls and nobody defines are the C library's: links those of libdevice in their place.
static LogicalResult linkMath(Location loc, llvm::Module &code, const CudaToolkit &toolkit) {
  SmallVector<llvm::Function *> missing;
  for (llvm::Function &function : code)
    if (function.isDeclaration() && !function.isIntrinsic() && !function.use_empty())
      missing.push_back(&function);
  if (missing.empty())
    return success();
  std::string path = toolkit.libdevice();
  StringRef first = missing[0]->getName();
  if (path.empty())
    return emitError(loc) << "a kernel calls '" << first
                          << "', which comes from libdevice.10.bc of the CUDA toolkit, and there is none beside ptxas; "
                             "CUDA_HOME names a toolkit";
  for (llvm::Function *function : missing)
    function->setName("__nv_" + function->getName().str());
  llvm::SMDiagnostic error;
  auto library = llvm::parseIRFile(path, error, code.getContext());
  if (!library)
    return emitError(loc) << "cannot read " << path << ": " << error.getMessage();
  for (llvm::Function *function : missing)
    if (!library->getFunction(function->getName()))
      return emitError(loc) << "a kernel calls '" << function->getName().drop_front(5)
                            << "', which no library for GPUs has";
  library->setDataLayout(code.getDataLayout());
  library->setTargetTriple(code.getTargetTriple());
  return success(!llvm::Linker::linkModules(code, std::move(library), llvm::Linker::LinkOnlyNeeded));
}

/// Above as many, so many iterations of a loop have enough loads under way; ptxas would unroll it further, and spill.
static constexpr size_t kManyBuffers = 10;
static constexpr unsigned kFewIterations = 4;

/// Do threads meet in it? Such loops are emitted as long as they should be.
static bool isOfTeam(const llvm::Loop &loop) {
  return llvm::any_of(loop.blocks(), [](const llvm::BasicBlock *block) {
    return llvm::any_of(*block, [](const llvm::Instruction &op) {
      auto call = llvm::dyn_cast<llvm::CallBase>(&op);
      return call && call->isConvergent();
    });
  });
}

static void eachLoop(llvm::Function &function, llvm::function_ref<void(llvm::Loop &)> change) {
  if (function.isDeclaration())
    return;
  llvm::DominatorTree dominators(function);
  llvm::LoopInfo loops(dominators);
  for (llvm::Loop *loop : loops.getLoopsInPreorder())
    change(*loop);
}

/// The version of PTX to write: newer where an instruction is.
static int64_t ptxVersion(ModuleOp lowered, const GpuFacts &facts) {
  int64_t version = facts.ptx;
  lowered.walk([&](Operation *op) {
    if (std::optional<Format> format = mmaFormat(op))
      version = std::max(version, factsOf(*format).ptx);
  });
  return version;
}

FailureOr<std::string> mlir::nanochat::writePtx(ModuleOp lowered, const GpuFacts &facts, const CudaToolkit &toolkit,
                                                StringRef name) {
  Location loc = lowered.getLoc();
  GpuFacts written = facts;
  written.ptx = ptxVersion(lowered, facts);
  if (failed(toolkit.check(loc, written)))
    return failure();
  auto machine = createTargetMachine(loc, {facts.chip, "+ptx" + std::to_string(written.ptx), 3, "nvptx64-nvidia-cuda"});
  llvm::LLVMContext context;
  if (failed(machine))
    return failure();
  auto code = translate(lowered, context, **machine);
  if (failed(code))
    return failure();
  callLibrary(**code);
  if (failed(linkMath(loc, **code, toolkit)))
    return failure();
  auto isKernel = [](const llvm::GlobalValue &value) {
    auto function = dyn_cast<llvm::Function>(&value);
    return function && function->getCallingConv() == llvm::CallingConv::PTX_Kernel;
  };
  llvm::internalizeModule(**code, isKernel);
  for (llvm::GlobalObject &object : (*code)->global_objects()) {
    auto *function = dyn_cast<llvm::Function>(&object);
    if (function && function->isIntrinsic())
      continue;
    // PTX takes no dots in names.
    std::string own = isKernel(object) && !name.empty() ? name.str() : object.getName().str();
    std::replace(own.begin(), own.end(), '.', '_');
    object.setName(own);
    if (function && !isKernel(object) && !object.isDeclaration())
      function->addFnAttr(llvm::Attribute::AlwaysInline);
  }
  std::string errors;
  context.setDiagnosticHandlerCallBack(
      [](const llvm::DiagnosticInfo *info, void *text) {
        llvm::raw_string_ostream stream(*static_cast<std::string *>(text));
        llvm::DiagnosticPrinterRawOStream printer(stream);
        if (info->getSeverity() == llvm::DS_Error)
          info->print(printer);
      },
      &errors);
  bool hasMany = llvm::any_of(
      **code, [&](llvm::Function &function) { return isKernel(function) && function.arg_size() > kManyBuffers; });
  auto changeLoops = [&](llvm::function_ref<void(llvm::Loop &)> change) {
    if (hasMany)
      for (llvm::Function &function : **code)
        eachLoop(function, change);
  };
  changeLoops([](llvm::Loop &loop) {
    if (loop.isInnermost() && !isOfTeam(loop))
      llvm::addStringMetadataToLoop(&loop, "llvm.loop.unroll.count", kFewIterations);
  });
  optimize(**code, **machine, 3);
  changeLoops([](llvm::Loop &loop) { loop.setLoopAlreadyUnrolled(); });
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream os(bytes);
  if (failed(emitCode(loc, **code, **machine, FileType::assembly, os)))
    return failure();
  if (!errors.empty())
    return emitError(loc) << "LLVM cannot write a kernel for " << facts.chip << ": " << errors;
  return std::string(bytes.begin(), bytes.end());
}
