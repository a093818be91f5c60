#include "dialect/Nanochat.h"
#include "dialect/ops/model/Fp4Region.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Threading.h"

using namespace mlir;
using namespace mlir::nanochat;

#include "dialect/NanochatDialect.cpp.inc"
#include "dialect/NanochatEnums.cpp.inc"
#include "dialect/interfaces/Interfaces.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/NanochatAttributes.cpp.inc"
#define GET_OP_CLASSES
#include "dialect/NanochatOps.cpp.inc"

bool mlir::nanochat::isName(StringRef text) {
  auto *bytes = reinterpret_cast<const llvm::UTF8 *>(text.data());
  return !text.empty() && text.size() <= 128 && llvm::isLegalUTF8String(&bytes, bytes + text.size()) &&
         llvm::none_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; }) && text != "__metadata__";
}

bool mlir::nanochat::isWord(StringRef text) {
  auto isLetter = [](char c) { return llvm::isAlpha(c) || c == '_'; };
  return !text.empty() && text.size() <= 64 && isLetter(text.front()) &&
         llvm::all_of(text, [&](char c) { return isLetter(c) || llvm::isDigit(c) || c == '.' || c == '-'; });
}

LogicalResult mlir::nanochat::reportOperands(Operation *op, std::optional<Location> loc,
                                             llvm::function_ref<LogicalResult()> verify) {
  std::string complaint;
  {
    // A handler is the context's: what other threads say meanwhile is for others.
    ScopedDiagnosticHandler handler(op->getContext(), [&, own = llvm::get_threadid()](Diagnostic &diagnostic) {
      if (llvm::get_threadid() != own)
        return failure();
      if (complaint.empty())
        complaint = diagnostic.str();
      return success();
    });
    (void)verify();
  }
  // Results and attributes are the verifier's, once the op exists.
  if (!StringRef(complaint).contains("operand #"))
    return success();
  return emitOptionalError(loc, complaint);
}

void NanochatDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/NanochatAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/NanochatOps.cpp.inc"
      >();
}
