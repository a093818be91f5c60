#include "lib/Program/AbiConstants.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "runtime/Abi.h"

using namespace mlir;
using namespace mlir::nanochat;

void AbiConstants::define(StringRef name, LLVM::Linkage linkage, llvm::function_ref<Value()> content) {
  OpBuilder::InsertionGuard guard(b);
  if (Operation *declared = module.lookupSymbol(name))
    declared->erase();
  b.setInsertionPointToEnd(module.getBody());
  auto global = LLVM::GlobalOp::create(b, b.getI8Type(), /*isConstant=*/true, linkage, name, Attribute());
  b.createBlock(&global.getInitializerRegion());
  Value value = content();
  LLVM::ReturnOp::create(b, value);
  global.setGlobalType(value.getType());
}

Value AbiConstants::text(StringRef s) {
  std::string &name = texts[s];
  if (name.empty()) {
    name = unique();
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(module.getBody());
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), s.size() + 1);
    LLVM::GlobalOp::create(b, type, /*isConstant=*/true, LLVM::Linkage::Private, name, b.getStringAttr(s.str() + '\0'));
  }
  return addressOf(name);
}

Value AbiConstants::structure(ValueRange fields) {
  Value value =
      LLVM::UndefOp::create(b, LLVM::LLVMStructType::getLiteral(b.getContext(), llvm::to_vector(fields.getTypes())));
  for (auto [i, field] : llvm::enumerate(fields))
    value = LLVM::InsertValueOp::create(b, value, field, i);
  return value;
}

Value AbiConstants::inlineArray(ValueRange elements) {
  Value value = LLVM::UndefOp::create(b, LLVM::LLVMArrayType::get(elements[0].getType(), elements.size()));
  for (auto [i, element] : llvm::enumerate(elements))
    value = LLVM::InsertValueOp::create(b, value, element, i);
  return value;
}

Value AbiConstants::inlineNumbers(ArrayRef<int64_t> numbers) {
  return LLVM::ConstantOp::create(b, LLVM::LLVMArrayType::get(b.getI64Type(), numbers.size()),
                                  b.getI64TensorAttr(numbers));
}

Value AbiConstants::shape(ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> all(sizes);
  all.resize(NC_MAX_RANK, 1);
  return inlineNumbers(all);
}

Value AbiConstants::addressOf(Operation *function) {
  auto func = dyn_cast<func::FuncOp>(function);
  if (!func)
    return addressOf(SymbolTable::getSymbolName(function).getValue());
  Value constant = func::ConstantOp::create(b, func.getFunctionType(), func.getName());
  return UnrealizedConversionCastOp::create(b, pointer(), constant).getResult(0);
}
