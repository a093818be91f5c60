// Constants of the structs of runtime/Abi.h, as globals of the LLVM dialect.
#pragma once

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringMap.h"

namespace mlir::nanochat {

/// Builds globals and, inside of `define`, what they hold; the order of fields is the struct's.
class AbiConstants {
public:
  explicit AbiConstants(ModuleOp module) : module(module), b(module.getLoc(), module.getContext()) {
    while (module.lookupSymbol(nameOf(count))) // of another one
      ++count;
  }

  /// Defines the symbol `name`, in place of a declaration if there is one, with what `content` builds.
  void define(StringRef name, LLVM::Linkage linkage, llvm::function_ref<Value()> content);

  Value i32(int64_t v) { return LLVM::ConstantOp::create(b, b.getI32IntegerAttr(v)); }
  Value i64(int64_t v) { return LLVM::ConstantOp::create(b, b.getI64IntegerAttr(v)); }
  Value f32(double v) { return LLVM::ConstantOp::create(b, b.getF32FloatAttr(v)); }
  Value null() { return LLVM::ZeroOp::create(b, pointer()); }
  /// The address of a text that ends with a zero, or of bytes that do.
  Value text(StringRef s);
  Value structure(ValueRange fields);
  Value inlineArray(ValueRange elements);
  Value inlineNumbers(ArrayRef<int64_t> numbers);
  /// Sizes of a tensor, with ones up to the most dimensions the ABI has.
  Value shape(ArrayRef<int64_t> sizes);
  /// The address of an array of what `each` makes of the elements of `range`; null if there is none.
  template <typename Range, typename Each> Value array(Range &&range, Each each) {
    if (range.begin() == range.end())
      return null();
    std::string name = unique();
    define(name, LLVM::Linkage::Private, [&] {
      SmallVector<Value> elements;
      for (auto &&element : range)
        elements.push_back(each(element));
      return inlineArray(elements);
    });
    return addressOf(name);
  }
  /// The address of a global or of a function in the LLVM dialect.
  Value addressOf(StringRef symbol) { return LLVM::AddressOfOp::create(b, pointer(), symbol); }
  /// The address of a function, also of one that is still to be lowered.
  Value addressOf(Operation *function);

private:
  Type pointer() { return LLVM::LLVMPointerType::get(b.getContext()); }
  static std::string nameOf(int64_t number) { return ("nc_data." + Twine(number)).str(); }
  std::string unique() { return nameOf(count++); }

  ModuleOp module;
  ImplicitLocOpBuilder b;
  llvm::StringMap<std::string> texts; // names of their globals
  int64_t count = 0;
};

} // namespace mlir::nanochat
