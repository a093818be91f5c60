#include "dialect/ops/model/Fp4Region.h"

using namespace mlir;
using namespace mlir::nanochat;

ParseResult mlir::nanochat::parseGemms(OpAsmParser &parser, BackwardGemmsAttr &attr) {
  auto gemms = BackwardGemms::none;
  auto parseOne = [&]() -> ParseResult {
    StringRef word;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&word))
      return failure();
    auto one = symbolizeBackwardGemms(word);
    if (!one || *one == BackwardGemms::none)
      return parser.emitError(loc) << "'" << word
                                   << "' is no product of the gradient of a ternary linear; these are dx and dw";
    gemms = gemms | *one;
    return success();
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Square, parseOne))
    return failure();
  attr = BackwardGemmsAttr::get(parser.getContext(), gemms);
  return success();
}

void mlir::nanochat::printGemms(OpAsmPrinter &p, Operation *, BackwardGemmsAttr attr) {
  p << '[' << stringifyBackwardGemms(attr.getValue()) << ']';
}

ParseResult mlir::nanochat::parseYieldingBody(OpAsmParser &parser, Region &body, SmallVectorImpl<Type> &types) {
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseRegion(body))
    return failure();
  auto yield = body.empty() || body.front().empty() ? YieldOp() : dyn_cast<YieldOp>(body.front().back());
  if (!yield)
    return parser.emitError(loc, "the body must end with nanochat.yield");
  llvm::append_range(types, yield.getValues().getTypes());
  return success();
}

void mlir::nanochat::printYieldingBody(OpAsmPrinter &p, Operation *, Region &body, TypeRange) {
  p.printRegion(body, /*printEntryBlockArgs=*/false);
}

LogicalResult Fp4RegionOp::verify() {
  auto yield = dyn_cast<YieldOp>(getBody().front().back());
  if (!yield || !yield.getStacks().empty() || yield.getValues().getTypes() != getResultTypes()) // fp4_region-c1
    return emitOpError("yields other values than its results");
  // What linears will be told, for each product that the region may name. fp4_region-c4
  auto format = BackwardFormat(getFormat());
  if (failed(BackwardAttr::verify([&] { return emitOpError(); }, format, format, getRounding(), getHadamard(),
                                  getScale())))
    return failure();
  bool hasLinears = false;
  auto check = [&](Operation *op) -> WalkResult {
    hasLinears |= isa<TernaryLinearOp>(op);
    return isa<LinearOp>(op) ? WalkResult::interrupt() : WalkResult::advance();
  };
  if (getBody().walk(check).wasInterrupted()) // fp4_region-c2
    return emitOpError("has a dense linear in it, whose gradients have no four-bit floats; leave it outside");
  if (!hasLinears) // fp4_region-c3
    return emitOpError("has no ternary linears in it, whose gradients it could be about");
  return success();
}
