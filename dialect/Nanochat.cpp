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

void NanochatDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialect/NanochatOps.cpp.inc"
      >();
}
