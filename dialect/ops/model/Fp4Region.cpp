#include "dialect/ops/model/Fp4Region.h"

using namespace mlir;
using namespace mlir::nanochat;

ParseResult mlir::nanochat::parseGemms(OpAsmParser &parser, LinearGemmsAttr &attr) {
  auto gemms = LinearGemms::none;
  auto parseOne = [&]() -> ParseResult {
    StringRef word;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&word))
      return failure();
    auto one = symbolizeLinearGemms(word);
    if (!one || *one == LinearGemms::none)
      return parser.emitError(loc) << "'" << word
                                   << "' is no product of a linear; these are dx and dw, of its gradient, and y";
    gemms = gemms | *one;
    return success();
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Square, parseOne))
    return failure();
  attr = LinearGemmsAttr::get(parser.getContext(), gemms);
  return success();
}

void mlir::nanochat::printGemms(OpAsmPrinter &p, Operation *, LinearGemmsAttr attr) {
  p << '[' << stringifyLinearGemms(attr.getValue()) << ']';
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
  bool isForward = bitEnumContainsAny(getGemms(), LinearGemms::y), hasLinears = false;
  WalkResult result = getBody().walk<WalkOrder::PreOrder>([&](Operation *op) -> WalkResult {
    auto ternary = dyn_cast<TernaryLinearOp>(op);
    hasLinears |= ternary || isa<LinearOp>(op);
    if (isa<Fp4RegionOp>(op)) { // whose linears are its own
      hasLinears = true;
      return WalkResult::skip();
    }
    if (!isForward || !ternary || ternary.getBackward())
      return WalkResult::advance();
    InFlightDiagnostic diag = op->emitOpError("is a product of integers, which no region makes one of four-bit floats");
    diag.attachNote(getLoc()) << "leave y out of this region's gemms";
    return diag;
  });
  if (result.wasInterrupted()) // fp4_region-c2
    return failure();
  if (!hasLinears) // fp4_region-c3
    return emitOpError("has no linears in it, which it could be about");
  if (bool says = getDge() || getClip() || getOcc(); says && !isForward) // fp4_region-c5
    return emitOpError("has dge, clip or occ, which are of products y, and y is not among its gemms");
  return success();
}
