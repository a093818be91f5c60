#include "dialect/StepIR.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mlir::nanochat;

DictionaryAttr mlir::nanochat::besideBinding(BindAttr bind) {
  Builder b(bind.getContext());
  return b.getDictionaryAttr(b.getNamedAttr(BindAttr::name, bind));
}

BindAttr mlir::nanochat::bindingOf(ParamOp param) {
  return BindAttr::get(param.getContext(), BindingKind::parameter, param.getParamName(), param.getRole(),
                       param.getInit(), param.getScale().convertToDouble());
}

BindAttr mlir::nanochat::bindingOf(ScalarOp scalar) {
  return BindAttr::get(scalar.getContext(), BindingKind::input, scalar.getScalarName(), "", Init::constant,
                       scalar.getValue().convertToDouble());
}

SmallVector<Type> mlir::nanochat::bufferTypes(func::FuncOp kernel) {
  KernelAttr facts = getKernel(kernel);
  if (facts.isEmitted())
    return llvm::to_vector(kernel.getArgumentTypes().drop_back(facts.isOfBlock() ? 3 : 2));
  return llvm::to_vector(llvm::concat<const Type>(kernel.getArgumentTypes(), kernel.getResultTypes()));
}

SetVector<Value> mlir::nanochat::readBy(Operation *op) {
  SetVector<Value> values(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), values);
  return values;
}

Value mlir::nanochat::argumentOf(func::FuncOp entry, Type type, BindAttr binding) {
  for (BlockArgument arg : entry.getArguments())
    if (BindAttr own = getArgBinding(entry, arg.getArgNumber());
        own && own.getKind() == binding.getKind() && own.getTensor() == binding.getTensor())
      return arg;
  (void)entry.insertArgument(entry.getNumArguments(), type, besideBinding(binding), entry.getLoc());
  return entry.getArguments().back();
}

Value mlir::nanochat::createUpdateStream(OpBuilder &b, Location loc, Value seed, StringRef param) {
  auto words = [&](int64_t count) { return RankedTensorType::get({count}, b.getI32Type()); };
  return RandomStreamOp::create(b, loc, words(3), seed, ("update." + param).str());
}

EntryBuilder::EntryBuilder(ModuleOp module, EntryKind kind, StringRef phase, Location loc)
    : builder(module.getContext()) {
  auto entry = EntryAttr::get(module.getContext(), kind, phase);
  builder.setInsertionPointToEnd(module.getBody());
  func = func::FuncOp::create(builder, loc, entry.getSymbol(), builder.getFunctionType({}, {}));
  func->setAttr(EntryAttr::name, entry);
  builder.setInsertionPointToEnd(func.addEntryBlock());
}

Value EntryBuilder::argument(Type type, BindAttr binding) {
  argAttrs.push_back(besideBinding(binding));
  return func.getBody().addArgument(type, func.getLoc());
}

void EntryBuilder::result(Value value, BindAttr binding) {
  results.push_back(value);
  resultAttrs.push_back(besideBinding(binding));
}

void EntryBuilder::finish() {
  func::ReturnOp::create(builder, func.getLoc(), results);
  func.setFunctionType(builder.getFunctionType(func.getBody().getArgumentTypes(), ValueRange(results).getTypes()));
  func.setAllArgAttrs(argAttrs);
  func.setAllResultAttrs(resultAttrs);
}

SmallVector<func::FuncOp> mlir::nanochat::getEntries(ModuleOp module) {
  SmallVector<func::FuncOp> entries;
  for (auto func : module.getOps<func::FuncOp>())
    if (getEntry(func))
      entries.push_back(func);
  return entries;
}

func::FuncOp mlir::nanochat::findEntry(ModuleOp module, EntryKind kind, StringRef phase) {
  return module.lookupSymbol<func::FuncOp>(EntryAttr::get(module.getContext(), kind, phase).getSymbol());
}

ProgramOp mlir::nanochat::getProgram(ModuleOp module) {
  auto programs = module.getOps<ProgramOp>();
  return programs.empty() ? ProgramOp() : *programs.begin();
}

int64_t mlir::nanochat::sizeOr(ProgramOp program, StringRef name, int64_t missing) {
  auto size = program ? program.getSizes().getAs<IntegerAttr>(name) : IntegerAttr();
  return size ? size.getInt() : missing;
}

ProgramOp mlir::nanochat::getOrCreateProgram(ModuleOp module) {
  if (ProgramOp program = getProgram(module))
    return program;
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  auto program = ProgramOp::create(b, module.getLoc(), "", b.getDictionaryAttr({}));
  program.getBody().emplaceBlock();
  return program;
}
