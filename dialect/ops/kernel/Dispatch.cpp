#include "dialect/Nanochat.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult DispatchOp::verify() {
  if (getBody().empty() != getKernel().has_value()) // dispatch-c1
    return emitOpError("must have either a body or the symbol of an outlined kernel");
  if (!getInplace().empty() && getInplace().size() != getNumResults()) // dispatch-c2
    return emitOpError("has ") << getInplace().size() << " inplace entries for " << getNumResults() << " results";
  for (int64_t input : getInplace()) // dispatch-c3
    if (input < -1 || input >= int64_t(getInputs().size()))
      return emitOpError("inplace entry ") << input << " is not an input; use -1 for none";
  if (getBody().empty())
    return success();
  Block &body = getBody().front();
  if (body.getArgumentTypes() != getInputs().getTypes()) // dispatch-c4
    return emitOpError("body arguments differ from the input types");
  auto yield = dyn_cast<YieldOp>(body.back());
  if (!yield || !yield.getStacks().empty() || yield.getValues().getTypes() != getResultTypes()) // dispatch-c5
    return emitOpError("body must yield exactly the result types");
  return success();
}

ParseResult DispatchOp::parse(OpAsmParser &parser, OperationState &state) {
  auto &properties = state.getOrAddProperties<Properties>();
  StringRef word;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&word))
    return failure();
  auto kind = symbolizeDispatchClass(word);
  if (!kind)
    return parser.emitError(loc, "unknown dispatch class '") << word << "'";
  properties.setKind(DispatchClassAttr::get(parser.getContext(), *kind));
  SymbolRefAttr kernel;
  if (OptionalParseResult r = parser.parseOptionalAttribute(kernel); r.has_value()) {
    if (failed(*r))
      return failure();
    properties.setKernel(cast<FlatSymbolRefAttr>(kernel));
  }
  SmallVector<OpAsmParser::Argument> args;
  bool hasBody = !kernel;
  if (parser.parseKeyword("ins") || parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
        OpAsmParser::Argument arg;
        OpAsmParser::UnresolvedOperand operand;
        if (hasBody && (parser.parseArgument(arg) || parser.parseEqual()))
          return failure();
        if (parser.parseOperand(operand) || parser.parseColonType(arg.type) ||
            parser.resolveOperand(operand, arg.type, state.operands))
          return failure();
        args.push_back(arg);
        return success();
      }))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("inplace"))) {
    SmallVector<int64_t> inplace;
    if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Square,
                                       [&] { return parser.parseInteger(inplace.emplace_back()); }))
      return failure();
    properties.setInplace(parser.getBuilder().getDenseI64ArrayAttr(inplace));
  }
  if (parser.parseArrowTypeList(state.types) || parser.parseOptionalAttrDictWithKeyword(state.attributes))
    return failure();
  Region *body = state.addRegion();
  return hasBody ? parser.parseRegion(*body, args) : success();
}

void DispatchOp::print(OpAsmPrinter &p) {
  p << ' ' << stringifyDispatchClass(getKind());
  if (getKernel())
    p << ' ' << getKernelAttr();
  p << " ins(";
  for (auto [i, input] : llvm::enumerate(getInputs())) {
    if (i)
      p << ", ";
    if (!getBody().empty())
      p << getBody().getArgument(i) << " = ";
    p << input << " : " << input.getType();
  }
  p << ')';
  if (!getInplace().empty()) {
    p << " inplace [";
    llvm::interleaveComma(getInplace(), p);
    p << ']';
  }
  p << " -> (";
  llvm::interleaveComma(getResultTypes(), p);
  p << ')';
  p.printOptionalAttrDictWithKeyword((*this)->getDiscardableAttrDictionary().getValue());
  if (getBody().empty())
    return;
  p << ' ';
  p.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}
