// Numbers and types that follow from a model's sizes: attributes that formulas stand for, types that are not written.
#pragma once

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TypeUtilities.h"
#include <cmath>

namespace mlir::nanochat {

/// What a formula stands for, and any other attribute itself.
Attribute plain(Attribute attr);

/// Parses a number of the type of `unknown`, or a formula, whose value is `unknown`, which no op takes, until the
/// model's sizes are known.
Attribute parseSized(AsmParser &parser, TypedAttr unknown);
void printSized(AsmPrinter &printer, Attribute attr);

/// A `Plain` attribute, or a formula for one (`SizedAttr`).
template <typename Plain> class Sized : public Attribute {
public:
  using Attribute::Attribute;
  Sized(Plain attr) : Attribute(attr) {}
  static bool classof(Attribute attr) { return isa<Plain>(plain(attr)); }
  Plain get() const { return cast<Plain>(plain(*this)); }

  static Attribute parse(AsmParser &parser, Type) {
    Builder &b = parser.getBuilder();
    if constexpr (std::is_same_v<Plain, IntegerAttr>)
      return parseSized(parser, b.getI64IntegerAttr(ShapedType::kDynamic));
    else
      return parseSized(parser, b.getF64FloatAttr(NAN));
  }
  void print(AsmPrinter &printer) const { printSized(printer, *this); }
};

/// The type of all values of a model with sizes while it is parsed and printed: tensor<?xf32>.
RankedTensorType unsizedType(MLIRContext *ctx);
bool isUnsized(Type type);

/// Gives `Op` results of that type if it has such operands.
template <typename Op> bool inferUnsized(ValueRange operands, SmallVectorImpl<Type> &types) {
  if (llvm::none_of(operands.getTypes(), isUnsized))
    return false;
  unsigned results = Op::template hasTrait<OpTrait::NResults<3>::template Impl>()   ? 3
                     : Op::template hasTrait<OpTrait::NResults<2>::template Impl>() ? 2
                                                                                    : 1;
  types.assign(results, unsizedType(operands.front().getContext()));
  return true;
}

//===--- Directives of assembly formats. All print nothing of unsized types, and take missing ones for that. ---===//

/// ": a, b, c".
ParseResult parseTypeList(OpAsmParser &parser, ArrayRef<Type *> types);
void printTypeList(OpAsmPrinter &printer, TypeRange types);

template <typename... Types> ParseResult parseTypes(OpAsmParser &parser, Types &...types) {
  return parseTypeList(parser, {&types...});
}
template <typename... Types> void printTypes(OpAsmPrinter &printer, Operation *, Types... types) {
  printTypeList(printer, ArrayRef<Type>{types...});
}

/// ": a"; the others are scalars of its element type.
template <typename... Types> ParseResult parseLikeType(OpAsmParser &parser, Type &type, Types &...scalars) {
  if (parseTypeList(parser, &type))
    return failure();
  ((scalars = isUnsized(type) ? type : Type(RankedTensorType::get({}, getElementTypeOrSelf(type)))), ...);
  return success();
}
template <typename... Types> void printLikeType(OpAsmPrinter &printer, Operation *, Type type, Types...) {
  printTypeList(printer, type);
}

/// ": a, b, …", as many as there are operands.
ParseResult parseListTypes(OpAsmParser &parser, ArrayRef<OpAsmParser::UnresolvedOperand> operands,
                           SmallVectorImpl<Type> &types);
void printListTypes(OpAsmPrinter &printer, Operation *, OperandRange operands, TypeRange types);

/// "bias a", of an optional operand beside one of type `first`.
using OptionalOperand = std::optional<OpAsmParser::UnresolvedOperand>;
ParseResult parseBiasType(OpAsmParser &parser, Type first, OptionalOperand bias, Type &type);
void printBiasType(OpAsmPrinter &printer, Operation *, Type first, Value bias, Type type);
/// ", a", likewise.
ParseResult parseLastType(OpAsmParser &parser, Type first, OptionalOperand last, Type &type);
void printLastType(OpAsmPrinter &printer, Operation *, Type first, Value last, Type type);

/// "[layers, d, d]" or ": a".
ParseResult parseShape(OpAsmParser &parser, ArrayAttr &dims, Type &type);
void printShape(OpAsmPrinter &printer, Operation *, ArrayAttr dims, Type type);

} // namespace mlir::nanochat
