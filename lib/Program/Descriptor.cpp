#include "lib/Program/Descriptor.h"
#include "dialect/StepIR.h"
#include "lib/Memory/Passes.h"
#include "lib/Targets/Target.h"
#include "runtime/Abi.h"
#include "llvm/IR/Constants.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// Constants of the ABI's structs; field order is that of runtime/Abi.h.
class AbiConstants {
public:
  explicit AbiConstants(llvm::Module &module) : module(module), ctx(module.getContext()) {}

  llvm::Constant *i32(int64_t v) { return llvm::ConstantInt::getSigned(llvm::Type::getInt32Ty(ctx), v); }
  llvm::Constant *i64(int64_t v) { return llvm::ConstantInt::getSigned(llvm::Type::getInt64Ty(ctx), v); }
  llvm::Constant *f32(double v) { return llvm::ConstantFP::get(llvm::Type::getFloatTy(ctx), v); }
  llvm::Constant *text(StringRef s) { return global(llvm::ConstantDataArray::getString(ctx, s)); }
  llvm::Constant *structure(ArrayRef<llvm::Constant *> fields) { return llvm::ConstantStruct::getAnon(ctx, fields); }

  /// The address of an array of equally typed constants; null if empty.
  llvm::Constant *array(ArrayRef<llvm::Constant *> elements) {
    if (elements.empty())
      return llvm::ConstantPointerNull::get(llvm::PointerType::get(ctx, 0));
    return global(inlineArray(elements));
  }
  llvm::Constant *inlineArray(ArrayRef<llvm::Constant *> elements) {
    return llvm::ConstantArray::get(llvm::ArrayType::get(elements[0]->getType(), elements.size()), elements);
  }
  llvm::Constant *shape(ArrayRef<int64_t> sizes) {
    SmallVector<llvm::Constant *> all(NC_MAX_RANK, i64(1));
    for (auto [i, size] : llvm::enumerate(sizes))
      all[i] = i64(size);
    return inlineArray(all);
  }
  llvm::Constant *global(llvm::Constant *init) {
    return new llvm::GlobalVariable(module, init->getType(), true, llvm::GlobalValue::PrivateLinkage, init);
  }
  /// Gives the symbol `name` this definition, in place of a declaration of another type.
  void define(StringRef name, llvm::Constant *init, llvm::GlobalValue::LinkageTypes linkage) {
    auto *global = new llvm::GlobalVariable(module, init->getType(), true, linkage, init);
    if (llvm::GlobalVariable *declared = module.getNamedGlobal(name)) {
      declared->replaceAllUsesWith(global);
      declared->eraseFromParent();
    }
    global->setName(name);
  }

  llvm::Module &module;
  llvm::LLVMContext &ctx;
};
} // namespace

static int32_t dtypeOf(Type type) {
  Type element = cast<ShapedType>(type).getElementType();
  if (element.isF64())
    return NC_F64;
  if (element.isInteger(32))
    return NC_I32;
  if (element.isInteger(8))
    return NC_I8;
  if (element.isInteger(16))
    return NC_I16;
  if (element.isBF16())
    return NC_BF16;
  if (element.isInteger(64))
    return NC_I64;
  return NC_F32;
}

static int32_t kindOf(StringRef kind) {
  return llvm::StringSwitch<int32_t>(kind)
      .Case("param", NC_PARAM)
      .Case("state", NC_STATE)
      .Case("gradient", NC_GRADIENT)
      .Case("input", NC_INPUT)
      .Default(NC_OUTPUT);
}

static llvm::Constant *tensorInfo(AbiConstants &c, DictionaryAttr attr) {
  Binding binding = Binding::of(attr);
  auto type = cast<ShapedType>(attr.getAs<TypeAttr>("type").getValue());
  int64_t bytes = type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8);
  return c.structure({c.text(binding.name), c.text(binding.role), c.i32(kindOf(binding.kind)), c.i32(dtypeOf(type)),
                      c.i32(attr.getAs<IntegerAttr>("arena").getInt()), c.i32(type.getRank()), c.shape(type.getShape()),
                      c.i64(attr.getAs<IntegerAttr>("offset").getInt()), c.i64(bytes),
                      c.i32(binding.init == Init::normal ? NC_INIT_NORMAL : NC_INIT_CONSTANT), c.f32(binding.scale)});
}

SmallVector<KernelFacts> mlir::nanochat::collectKernels(ModuleOp module) {
  SmallVector<KernelFacts> kernels;
  for (auto func : module.getOps<func::FuncOp>()) {
    auto tasks = func->getAttrOfType<IntegerAttr>(kTasksAttr);
    if (!tasks)
      continue;
    std::string name = func.getName().str();
    KernelFacts facts{name, name + kKernelRunSuffix.str(), tasks.getInt(), 0, "f32", {}};
    auto number = [&](StringRef attribute) {
      auto attr = func->getAttrOfType<IntegerAttr>(attribute);
      return attr ? attr.getInt() : 0;
    };
    facts.flops = number(kFlopsAttr);
    facts.threads = number(kThreadsAttr), facts.shared = number(kSharedAttr), facts.scratch = number(kScratchAttr);
    if (auto arithmetic = func->getAttrOfType<StringAttr>(kArithmeticAttr))
      facts.arithmetic = arithmetic.str();
    int64_t outputs = func->getAttrOfType<DenseI64ArrayAttr>(kInplaceAttr).size();
    ArrayRef<Type> types = bufferTypes(func);
    for (auto [i, type] : llvm::enumerate(types))
      facts.operands.push_back({type, int64_t(i) >= int64_t(types.size()) - outputs});
    kernels.push_back(facts);
  }
  return kernels;
}

int64_t mlir::nanochat::scratchBytes(ArrayRef<KernelFacts> kernels, bool isOnGpu) {
  int64_t bytes = 0;
  for (const KernelFacts &kernel : kernels)
    bytes = std::max(bytes, kernel.scratch * (isOnGpu ? kernel.tasks : 1));
  return bytes;
}

void mlir::nanochat::addDeviceCode(llvm::Module &code, StringRef symbol, StringRef function, StringRef ptx, StringRef cubin,
                                   const KernelFacts &kernel) {
  AbiConstants c(code);
  auto *none = llvm::ConstantPointerNull::get(llvm::PointerType::get(c.ctx, 0));
  c.define(symbol,
           c.structure({c.text(function), c.text(ptx), cubin.empty() ? none : c.text(cubin), c.i64(cubin.size()),
                        c.i64(std::max<int64_t>(kernel.threads, 1)), c.i64(kernel.shared), c.i64(kernel.scratch)}),
           llvm::GlobalValue::ExternalLinkage);
}

static void defineKernel(AbiConstants &c, const KernelFacts &kernel, bool isOnGpu) {
  SmallVector<llvm::Constant *> operands;
  for (auto [type, output] : kernel.operands) {
    auto shaped = cast<ShapedType>(type);
    operands.push_back(c.structure({c.i32(dtypeOf(type)), c.i32(shaped.getRank()), c.shape(shaped.getShape()), c.i32(output)}));
  }
  auto *pointer = llvm::PointerType::get(c.ctx, 0);
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(c.ctx), {pointer, llvm::Type::getInt64Ty(c.ctx), pointer}, false);
  llvm::Constant *none = llvm::ConstantPointerNull::get(pointer), *run = none, *device = none;
  if (isOnGpu)
    device = c.module.getOrInsertGlobal(kernel.symbol, pointer);
  else
    run = cast<llvm::Constant>(c.module.getOrInsertFunction(kernel.symbol, type).getCallee());
  c.define(kernel.name + kKernelInfoSuffix.str(),
           c.structure({c.text(kernel.name), run, device, c.i64(kernel.tasks), c.i32(operands.size()), c.array(operands),
                        c.i64(kernel.flops), c.text(kernel.arithmetic)}),
           llvm::GlobalValue::InternalLinkage);
}

void mlir::nanochat::addDescriptor(llvm::Module &code, StringRef symbol, ModuleOp planned, const ProgramFacts &program,
                                   ArrayRef<KernelFacts> kernels, int64_t scratch) {
  AbiConstants c(code);
  for (const KernelFacts &kernel : kernels)
    defineKernel(c, kernel, !program.device.empty());
  SmallVector<llvm::Constant *> tensors, sizes, entries, arenas;
  for (Attribute tensor : planned->getAttrOfType<ArrayAttr>(kTensorsAttr))
    tensors.push_back(tensorInfo(c, cast<DictionaryAttr>(tensor)));
  if (auto named = planned->getAttrOfType<DictionaryAttr>(kSizesAttr))
    for (NamedAttribute size : named)
      sizes.push_back(c.structure({c.text(size.getName()), c.i64(cast<IntegerAttr>(size.getValue()).getInt())}));
  for (func::FuncOp entry : getEntries(planned)) {
    SmallVector<llvm::Constant *> used;
    for (int64_t tensor : entry->getAttrOfType<DenseI64ArrayAttr>(kTensorsAttr).asArrayRef())
      used.push_back(c.i32(tensor));
    entries.push_back(c.structure({c.text(entry.getName()), code.getFunction(entry.getName()), c.i32(used.size()), c.array(used)}));
  }
  for (int64_t bytes : planned->getAttrOfType<DenseI64ArrayAttr>(kArenaBytesAttr).asArrayRef())
    arenas.push_back(c.i64(bytes));
  c.define(symbol,
           c.structure({c.i32(NC_ABI_VERSION), c.text(program.model), c.text(program.target), c.text(program.cpuFeatures), c.text(program.device),
                        c.text(NANOCHAT_VERSION), c.text(program.irHash), c.i64(program.vocab), c.i64(program.flopsPerToken), c.i32(sizes.size()),
                        c.array(sizes), c.i32(tensors.size()), c.array(tensors), c.i32(entries.size()), c.array(entries),
                        c.inlineArray(arenas), c.i64(scratch), c.i32(program.onlyOnRequest)}),
           llvm::GlobalValue::ExternalLinkage);
}

void mlir::nanochat::addProgramList(llvm::Module &code, ArrayRef<std::string> symbols) {
  AbiConstants c(code);
  auto pointer = llvm::PointerType::get(code.getContext(), 0);
  SmallVector<llvm::Constant *> programs;
  for (StringRef symbol : symbols)
    programs.push_back(code.getOrInsertGlobal(symbol, pointer));
  programs.push_back(llvm::ConstantPointerNull::get(pointer));
  c.define("nc_programs", c.inlineArray(programs), llvm::GlobalValue::ExternalLinkage);
}
