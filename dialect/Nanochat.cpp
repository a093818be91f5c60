#include "dialect/Nanochat.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace mlir::nanochat;

#include "dialect/NanochatDialect.cpp.inc"
#include "dialect/NanochatEnums.cpp.inc"
#include "dialect/interfaces/Interfaces.cpp.inc"
#define GET_OP_CLASSES
#include "dialect/NanochatOps.cpp.inc"

LogicalResult mlir::nanochat::reportOperands(Operation *op, std::optional<Location> loc,
                                             llvm::function_ref<LogicalResult()> verify) {
  std::string complaint;
  {
    ScopedDiagnosticHandler handler(op->getContext(), [&](Diagnostic &diagnostic) {
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
  addOperations<
#define GET_OP_LIST
#include "dialect/NanochatOps.cpp.inc"
      >();
}
