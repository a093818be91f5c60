#include "dialect/DTypes.h"
#include "llvm/Support/raw_ostream.h"

std::optional<int32_t> mlir::nanochat::dtypeOf(Type element) {
  std::string name;
  llvm::raw_string_ostream(name) << element;
  return nc::dtypeOfName(name);
}
