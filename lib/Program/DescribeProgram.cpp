// From what the IR says of a program and its kernels to the constants that the runtime reads.
#include "dialect/DTypes.h"
#include "lib/Program/AbiConstants.h"
#include "lib/Program/Descriptor.h"
#include "lib/Program/Passes.h"
#include "lib/Targets/Target.h"
#include "runtime/Abi.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_DESCRIBEPROGRAMPASS
#include "lib/Program/Passes.h.inc"
} // namespace mlir::nanochat

using namespace mlir;
using namespace mlir::nanochat;

SmallVector<func::FuncOp> mlir::nanochat::emittedKernels(ModuleOp module) {
  return llvm::filter_to_vector(module.getOps<func::FuncOp>(), [](func::FuncOp func) {
    KernelAttr kernel = getKernel(func);
    return kernel && kernel.isEmitted();
  });
}

int64_t mlir::nanochat::scratchBytes(ModuleOp module, const Target &row) {
  int64_t bytes = 0;
  for (func::FuncOp func : emittedKernels(module)) {
    KernelAttr kernel = getKernel(func);
    bytes = std::max(bytes, kernel.getScratch() * (row.onGpu() ? row.gpu->blocksOf(kernel) : 1));
  }
  return bytes;
}

/// Declares code of a kernel that is elsewhere.
static Operation *declareCode(Location loc, StringRef symbol, bool isOnGpu) {
  OpBuilder b(loc.getContext());
  Type ptr = LLVM::LLVMPointerType::get(b.getContext());
  if (isOnGpu)
    return LLVM::GlobalOp::create(b, loc, b.getI8Type(), /*isConstant=*/true, LLVM::Linkage::External, symbol,
                                  Attribute());
  auto run = func::FuncOp::create(b, loc, symbol, b.getFunctionType({ptr, b.getI64Type(), ptr}, {}));
  run.setPrivate();
  return run;
}

void mlir::nanochat::setKernelCode(SymbolTable &symbols, StringRef kernel, StringRef symbol, bool isOnGpu) {
  auto info = symbols.lookup<LLVM::GlobalOp>((kernel + kKernelInfoSuffix).str());
  std::string own = (kernel + kKernelRunSuffix).str();
  if (!symbols.lookup(symbol))
    symbols.insert(declareCode(info.getLoc(), symbol, isOnGpu));
  info.walk([&](Operation *op) {
    if (auto code = dyn_cast<func::ConstantOp>(op); code && code.getValue() == own)
      code.setValue(symbol);
    if (auto code = dyn_cast<LLVM::AddressOfOp>(op); code && code.getGlobalName() == own)
      code.setGlobalName(symbol);
  });
}

void mlir::nanochat::addDeviceCode(ModuleOp module, StringRef symbol, StringRef function, StringRef ptx,
                                   StringRef cubin, KernelAttr kernel, int64_t blocks) {
  AbiConstants c(module);
  c.define(symbol, LLVM::Linkage::External, [&] {
    return c.structure({c.text(function), c.text(ptx), cubin.empty() ? c.null() : c.text(cubin), c.i64(cubin.size()),
                        c.i64(blocks), c.i64(std::max<int64_t>(kernel.getThreads(), 1)), c.i64(kernel.getShared()),
                        c.i64(kernel.getScratch())});
  });
}

std::string mlir::nanochat::programSymbol(StringRef target) { return ("nc_program." + target).str(); }

void mlir::nanochat::addProgramList(ModuleOp module, ArrayRef<std::string> symbols) {
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  for (StringRef symbol : symbols)
    if (!module.lookupSymbol(symbol))
      LLVM::GlobalOp::create(b, module.getLoc(), b.getI8Type(), /*isConstant=*/true, LLVM::Linkage::External, symbol,
                             Attribute());
  AbiConstants c(module);
  c.define("nc_programs", LLVM::Linkage::External, [&] {
    SmallVector<Value> programs = llvm::map_to_vector(symbols, [&](StringRef symbol) { return c.addressOf(symbol); });
    programs.push_back(c.null());
    return c.inlineArray(programs);
  });
}

namespace {
struct DescribeProgramPass : mlir::nanochat::impl::DescribeProgramPassBase<DescribeProgramPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<Target> row = targetOf(module);
    if (failed(row))
      return signalPassFailure();
    gpu = row->onGpu();
    ProgramOp program = getProgram(module);
    if (!program) {
      InFlightDiagnostic diag = emitError(module.getLoc()) << "the module holds no nanochat.program to describe";
      diag.attachNote() << "--nanochat-plan-memory makes one";
      return signalPassFailure();
    }
    AbiConstants constants(module);
    for (func::FuncOp kernel : emittedKernels(module))
      describeKernel(constants, kernel);
    constants.define(programSymbol(program.getTarget()), LLVM::Linkage::External,
                     [&] { return describe(constants, program, module, *row); });
    program.erase();
  }

  /// The ABI's number for the type of elements; an error of `of` at `loc` where it has none.
  int32_t numberOf(Location loc, Type type, const Twine &of) {
    Type element = cast<ShapedType>(type).getElementType();
    if (auto dtype = dtypeOf(element))
      return *dtype;
    InFlightDiagnostic diag = emitError(loc)
                              << of << " has elements of type " << element << ", for which the runtime has no number";
    diag.attachNote() << "it knows those of NC_DTYPES in runtime/Abi.h";
    signalPassFailure();
    return NC_F32;
  }

  void describeKernel(AbiConstants &c, func::FuncOp func) {
    KernelAttr kernel = getKernel(func);
    SmallVector<Type> types = bufferTypes(func);
    int64_t inputs = types.size() - kernel.getOverwritten().size();
    Operation *run = getOperation().lookupSymbol((func.getName() + kKernelRunSuffix).str());
    auto operand = [&](auto indexed) {
      auto type = cast<ShapedType>(indexed.value());
      int32_t dtype =
          numberOf(func.getLoc(), type, "operand " + Twine(indexed.index()) + " of kernel @" + func.getName());
      return c.structure(
          {c.i32(dtype), c.i32(type.getRank()), c.shape(type.getShape()), c.i32(int64_t(indexed.index()) >= inputs)});
    };
    c.define((func.getName() + kKernelInfoSuffix).str(), LLVM::Linkage::Internal, [&] {
      Value code = c.addressOf(run);
      return c.structure({c.text(func.getName()), gpu ? c.null() : code, gpu ? code : c.null(),
                          c.i64(kernel.getTasks()), c.i32(types.size()), c.array(llvm::enumerate(types), operand),
                          c.i64(kernel.getFlops()), c.text(stringifyFormat(kernel.getArithmetic()))});
    });
  }

  Value describe(AbiConstants &c, TensorOp tensor) {
    BindAttr bind = tensor.getBind();
    RankedTensorType type = tensor.getType();
    return c.structure({c.text(bind.getTensorName()), c.text(bind.getRoleName()), c.i32(int32_t(bind.getKind())),
                        c.i32(numberOf(tensor.getLoc(), type, bind.describe())), c.i32(int32_t(tensor.getArena())),
                        c.i32(type.getRank()), c.shape(type.getShape()), c.i64(tensor.getOffset()),
                        c.i64(denseBytes(type)),
                        c.i32(bind.getInit() == Init::normal ? NC_INIT_NORMAL : NC_INIT_CONSTANT),
                        c.f32(bind.getScaleValue()), c.i64(bind.getRows())});
  }

  Value describe(AbiConstants &c, func::FuncOp entry) {
    DenseI64ArrayAttr tensors = getEntry(entry).getTensors();
    ArrayRef<int64_t> used = tensors ? tensors.asArrayRef() : ArrayRef<int64_t>();
    return c.structure({c.text(entry.getName()), c.addressOf(entry), c.i32(used.size()),
                        c.array(used, [&](int64_t tensor) { return c.i32(tensor); })});
  }

  Value describe(AbiConstants &c, ProgramOp program, ModuleOp module, const Target &row) {
    auto tensors = llvm::to_vector(program.getBody().getOps<TensorOp>());
    ArrayRef<NamedAttribute> sizes = program.getSizes().getValue();
    SmallVector<func::FuncOp> entries = getEntries(module);
    SmallVector<int64_t> arenas(program.getArenas());
    arenas.resize(NC_ARENA_COUNT);
    auto size = [&](NamedAttribute named) {
      return c.structure({c.text(named.getName()), c.i64(cast<IntegerAttr>(named.getValue()).getInt())});
    };
    return c.structure({c.i32(NC_ABI_VERSION),
                        c.text(program.getModel()),
                        c.text(program.getTarget()),
                        c.text(llvm::join(row.instructions(), ",")),
                        c.text(program.getDevice()),
                        c.text(NANOCHAT_VERSION),
                        c.text(program.getIrHash()),
                        c.i64(program.getVocab()),
                        c.i64(program.getFlopsPerToken()),
                        c.i32(sizes.size()),
                        c.array(sizes, size),
                        c.i32(tensors.size()),
                        c.array(tensors, [&](TensorOp tensor) { return describe(c, tensor); }),
                        c.i32(entries.size()),
                        c.array(entries, [&](func::FuncOp entry) { return describe(c, entry); }),
                        c.inlineNumbers(arenas),
                        c.i64(scratchBytes(module, row)),
                        c.i64(row.reserveBytes()),
                        c.text(program.getChoices()),
                        c.i32(program.getOnlyOnRequest())});
  }

  bool gpu = false; // do kernels run there?
};
} // namespace
