// Directives of the assembly format of `fp4_region`.
#pragma once

#include "dialect/Nanochat.h"
#include "mlir/IR/OpImplementation.h"

namespace mlir::nanochat {

/// "[dx, dw]".
ParseResult parseGemms(OpAsmParser &parser, LinearGemmsAttr &attr);
void printGemms(OpAsmPrinter &p, Operation *, LinearGemmsAttr attr);

/// A body that ends with a yield, whose values' types are the op's.
ParseResult parseYieldingBody(OpAsmParser &parser, Region &body, SmallVectorImpl<Type> &types);
void printYieldingBody(OpAsmPrinter &p, Operation *, Region &body, TypeRange);

} // namespace mlir::nanochat
