#include "lib/Lowering/HostData.h"
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

/// Collects "op at file:line:column" of all places in `loc`.
static void describe(Location loc, StringRef op, SmallVectorImpl<std::string> &places) {
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    for (Location part : fused.getLocations())
      describe(part, op, places);
  } else if (auto named = dyn_cast<NameLoc>(loc)) {
    describe(named.getChildLoc(), named.getName(), places);
  } else if (auto file = dyn_cast<FileLineColLoc>(loc)) {
    std::string place = op.empty() ? "" : op.str() + " at ";
    llvm::raw_string_ostream(place) << file.getFilename().getValue() << ":" << file.getLine() << ":"
                                    << file.getColumn();
    if (!llvm::is_contained(places, place))
      places.push_back(place);
  }
}

Value SourceTexts::text(OpBuilder &b, Location loc) {
  SmallVector<std::string> places;
  describe(loc, "", places);
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
