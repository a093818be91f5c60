#include "lib/Lowering/HostData.h"
#include "dialect/Sources.h"
#include "lib/Program/AbiConstants.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::nanochat;

static constexpr StringLiteral kNumbers = "nc_host_numbers";

Value NumberTable::load(OpBuilder &b, Location loc, int64_t number) {
  auto ptr = LLVM::LLVMPointerType::get(b.getContext());
  Value table = LLVM::AddressOfOp::create(b, loc, ptr, kNumbers);
  Value at = LLVM::GEPOp::create(b, loc, ptr, b.getI64Type(), table, ArrayRef<LLVM::GEPArg>{int32_t(numbers.size())});
  numbers.push_back(number);
  return LLVM::LoadOp::create(b, loc, b.getI64Type(), at);
}

void NumberTable::define(ModuleOp module) {
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  auto type = LLVM::LLVMArrayType::get(b.getI64Type(), numbers.size());
  auto table = LLVM::GlobalOp::create(b, module.getLoc(), type, /*isConstant=*/false, LLVM::Linkage::External, kNumbers,
                                      b.getI64TensorAttr(numbers));
  table.setVisibility_(LLVM::Visibility::Hidden);
}

Value SourceTexts::text(OpBuilder &b, Location loc) {
  SmallVector<std::string> places = sourcesOf(loc);
  auto text = b.getStringAttr(places.empty() ? "an unknown place" : llvm::join(places, ", "));
  StringAttr &name = names[text];
  if (!name)
    name = b.getStringAttr("nc_source." + Twine(names.size()));
  return LLVM::AddressOfOp::create(b, loc, LLVM::LLVMPointerType::get(b.getContext()), name);
}

void SourceTexts::define(ModuleOp module) {
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  for (auto [text, name] : names) {
    std::string bytes = text.str() + '\0';
    auto type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size());
    LLVM::GlobalOp::create(b, module.getLoc(), type, /*isConstant=*/true, LLVM::Linkage::Private, name,
                           b.getStringAttr(bytes));
  }
}

Value CollectiveTable::address(OpBuilder &b, StartOp start) {
  StringRef kind = stringifyCollective(start.getCollective());
  Key key{start.getCollective(), start.getBytes(), start.getTotal(), start.getMembers(), start.getStride()};
  std::string &name = names[key];
  if (name.empty())
    name = (kind + "." + Twine(start.getBytes()) + "." + Twine(start.getTotal()) + "." + Twine(start.getMembers()) +
            "." + Twine(start.getStride()))
               .str();
  return LLVM::AddressOfOp::create(b, start.getLoc(), LLVM::LLVMPointerType::get(b.getContext()), name);
}

void CollectiveTable::define(ModuleOp module) {
  AbiConstants c(module);
  for (auto &[key, name] : names) {
    auto [kind, bytes, total, members, stride] = key;
    c.define(name, LLVM::Linkage::Internal, [&] {
      return c.structure(
          {c.text(name), c.i32(int32_t(kind)), c.i64(bytes), c.i64(total), c.i32(members), c.i32(stride)});
    });
  }
}
