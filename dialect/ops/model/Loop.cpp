// The rolled loop: structure, text form and meaning. LoopSimplify.cpp simplifies it, LoopVjp.cpp differentiates it.
#include "dialect/ops/model/Sizes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::nanochat;

//===--- Structure ---------------------------------------------------------------------------===//

ArrayRef<BlockArgument> LoopOp::getCarryArgs() { return getBody().getArguments().take_front(getNumCarries()); }
ArrayRef<BlockArgument> LoopOp::getSliceArgs() { return getBody().getArguments().drop_front(getNumCarries()); }
Value LoopOp::getSlicedStack(Value value) {
  auto arg = dyn_cast<BlockArgument>(value);
  bool isSlice = arg && arg.getOwner() == &getBody().front() && arg.getArgNumber() >= getNumCarries();
  return isSlice ? getOperand(arg.getArgNumber()) : Value();
}

Value LoopOp::getStackedElement(Value value) {
  auto loop = value.getDefiningOp<LoopOp>();
  unsigned number = loop ? cast<OpResult>(value).getResultNumber() : 0;
  return loop && number >= loop.getNumCarries() ? loop.getYield()->getOperand(number) : Value();
}

YieldOp LoopOp::getYield() { return cast<YieldOp>(getBody().front().getTerminator()); }

static RankedTensorType stackType(int64_t count, Type type) {
  auto tensor = cast<RankedTensorType>(type);
  if (isUnsized(type))
    return tensor;
  SmallVector<int64_t> shape{count};
  llvm::append_range(shape, tensor.getShape());
  return RankedTensorType::get(shape, tensor.getElementType());
}
RankedTensorType LoopOp::stackOf(Type type) { return stackType(getCount(), type); }

RankedTensorType LoopOp::sliceOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return isUnsized(type) ? tensor : RankedTensorType::get(tensor.getShape().drop_front(), tensor.getElementType());
}

void LoopOp::build(OpBuilder &b, OperationState &state, StringRef name, int64_t count, ValueRange inits,
                   ValueRange slices, bool reverse, LoopBody fill) {
  state.addOperands(inits);
  state.addOperands(slices);
  auto &properties = state.getOrAddProperties<Properties>();
  properties.setLoopName(b.getStringAttr(name));
  properties.setCount(b.getI64IntegerAttr(count));
  properties.setRecompute(RecomputeAttr::get(b.getContext(), Recompute::nothing));
  if (reverse)
    properties.setReverse(b.getUnitAttr());
  llvm::copy(ArrayRef<int32_t>{int32_t(inits.size()), int32_t(slices.size()), 0},
             properties.operandSegmentSizes.begin());
  Block &body = state.addRegion()->emplaceBlock();
  for (Value init : inits)
    body.addArgument(init.getType(), state.location);
  for (Value slice : slices)
    body.addArgument(sliceOf(slice.getType()), state.location);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(&body);
  ImplicitLocOpBuilder in(state.location, b);
  auto args = ArrayRef<BlockArgument>(body.getArguments());
  fill(in, args.take_front(inits.size()), args.drop_front(inits.size()));
  state.addTypes(inits.getTypes());
  for (Type type : cast<YieldOp>(body.getTerminator()).getStacks().getTypes())
    state.addTypes(stackType(count, type));
}

LoopOp LoopOp::rebuild(RewriterBase &rewriter, ValueRange inits, ValueRange slices) {
  YieldOp yield = getYield();
  SmallVector<Type> types(inits.getTypes());
  for (Type type : yield.getStacks().getTypes())
    types.push_back(stackOf(type));
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(*this);
  auto loop = LoopOp::create(rewriter, getLoc(), types, getLoopNameAttr(), getCountAttr(), getFromAttr(), inits, slices,
                             getLimit(), getRecomputeAttr(), getReverseAttr());
  loop->setDiscardableAttrs((*this)->getDiscardableAttrDictionary());
  rewriter.inlineRegionBefore(getBody(), loop.getBody(), loop.getBody().end());
  return loop;
}

LoopOp LoopOp::appendStacks(RewriterBase &rewriter, ValueRange values) {
  YieldOp yield = getYield();
  rewriter.modifyOpInPlace(yield, [&] { yield.getStacksMutable().append(values); });
  LoopOp loop = rebuild(rewriter, getInits(), getSlices());
  rewriter.replaceOp(*this, loop.getResults().take_front(getNumResults()));
  return loop;
}

std::pair<LoopOp, LoopOp> LoopOp::split(RewriterBase &rewriter, int64_t count) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(*this);
  int64_t all = getCount(), from = getFirst();
  auto part = [&](ValueRange inits, int64_t first, int64_t iterations) {
    int64_t lowest = getReverse() ? all - first - iterations : first;
    SmallVector<Type> types(inits.getTypes());
    for (Type type : getYield().getStacks().getTypes())
      types.push_back(stackType(iterations, type));
    auto loop = LoopOp::create(rewriter, getLoc(), types, getLoopNameAttr(), rewriter.getI64IntegerAttr(iterations),
                               rewriter.getI64IntegerAttr(from + lowest), inits, getSlices(), Value(),
                               getRecomputeAttr(), getReverseAttr());
    loop->setDiscardableAttrs((*this)->getDiscardableAttrDictionary());
    rewriter.cloneRegionBefore(getBody(), loop.getBody(), loop.getBody().end());
    return loop;
  };
  LoopOp head = part(getInits(), 0, count), tail = part(head.getCarryResults(), count, all - count);
  SmallVector<Value> results(tail.getCarryResults());
  for (auto [whole, first, other] : llvm::zip(getStackResults(), head.getStackResults(), tail.getStackResults())) {
    SmallVector<Value> parts{first, other};
    if (getReverse())
      std::swap(parts[0], parts[1]);
    results.push_back(JoinOp::create(rewriter, getLoc(), whole.getType(), parts, Value()));
  }
  rewriter.replaceOp(*this, results);
  return {head, tail};
}

//===--- Verification and text ---------------------------------------------------------------===//

LogicalResult LoopOp::verify() {
  for (auto [i, slice] : llvm::enumerate(getSlices())) { // loop-c1
    auto type = cast<RankedTensorType>(slice.getType());
    int64_t size = type.getRank() ? type.getDimSize(0) : 0, needed = getFirst() + int64_t(getCount());
    if (getFrom() ? size < needed : size != needed)
      return emitOpError("runs ") << getCount() << " times, but slice operand " << i << " has type " << type
                                  << "; its leading dimension must be " << (getFrom() ? "at least " : "") << needed;
  }
  auto named = dyn_cast<SizedAttr>(Attribute(getRecomputeAttr()));
  auto model = (*this)->getParentOfType<ModelOp>();
  if (named && !(model && model.getSizes())) // loop-c9
    return emitOpError("has the unknown recompute policy '")
           << formulaText(named.getFormula()) << "'; expected nothing, cheap or body";
  if (getLimit() && (!getSlices().empty() || getNumResults() != getNumCarries() || getReverse())) // loop-c8
    return emitOpError(
        "has a limit: it may not run to its end, so it carries values forward and neither slices nor stacks any");
  return success();
}

LogicalResult LoopOp::verifyRegions() {
  unsigned carries = getNumCarries();
  YieldOp yield = getYield();
  if (getBody().getNumArguments() != carries + getSlices().size()) // loop-c2
    return emitOpError("has ") << getBody().getNumArguments() << " block arguments, expected "
                               << carries + getSlices().size();
  if (yield.getValues().size() != carries) // loop-c3
    return yield.emitOpError("yields ") << yield.getValues().size() << " values, expected " << carries
                                        << ", one per carried value";
  if (getNumResults() != carries + yield.getStacks().size()) // loop-c4
    return emitOpError("has ") << getNumResults() << " results, expected " << carries + yield.getStacks().size();
  for (unsigned i = 0; i < carries; ++i) { // loop-c5
    Type type = getInits()[i].getType();
    if (getBody().getArgument(i).getType() != type || getResult(i).getType() != type)
      return emitOpError("carried value ")
             << i << " starts as " << type << " but its argument or result has another type";
    if (yield.getValues()[i].getType() != type)
      return yield.emitOpError("yields ")
             << yield.getValues()[i].getType() << " for carried value " << i << ", expected " << type;
  }
  for (auto [arg, slice] : llvm::zip(getSliceArgs(), getSlices())) // loop-c6
    if (arg.getType() != sliceOf(slice.getType()))
      return emitOpError("slice argument has type ") << arg.getType() << ", expected " << sliceOf(slice.getType());
  for (auto [stack, result] : llvm::zip(yield.getStacks(), getStackResults())) // loop-c7
    if (result.getType() != stackOf(stack.getType()))
      return emitOpError("stack result has type ") << result.getType() << ", expected " << stackOf(stack.getType());
  return success();
}

/// Parses `keyword(%arg = %operand : type, ...)`; slice arguments drop the leading dimension. Types may be unsized.
static ParseResult parseBindings(OpAsmParser &parser, StringRef keyword, bool slice, OperationState &state,
                                 SmallVectorImpl<OpAsmParser::Argument> &args, int32_t &count) {
  count = 0;
  if (failed(parser.parseOptionalKeyword(keyword)))
    return success();
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
    OpAsmParser::Argument arg;
    OpAsmParser::UnresolvedOperand operand;
    Type type;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseArgument(arg) || parser.parseEqual() || parser.parseOperand(operand) ||
        parseTypeList(parser, &type) || parser.resolveOperand(operand, type, state.operands))
      return failure();
    if (slice && cast<RankedTensorType>(type).getRank() == 0)
      return parser.emitError(loc, "a slice operand needs a leading dimension");
    arg.type = slice ? LoopOp::sliceOf(type) : type;
    args.push_back(arg);
    ++count;
    return success();
  });
}

ParseResult LoopOp::parse(OpAsmParser &parser, OperationState &state) {
  auto &properties = state.getOrAddProperties<Properties>();
  Builder &b = parser.getBuilder();
  StringAttr name;
  Sized<IntegerAttr> count;
  SmallVector<OpAsmParser::Argument> args;
  int32_t carries, slices;
  SMLoc countLoc;
  int64_t from;
  if (parser.parseAttribute(name) || parser.parseEqual() || parser.getCurrentLocation(&countLoc) ||
      parser.parseCustomAttributeWithFallback(count))
    return failure();
  if (!isa<SizedAttr>(Attribute(count)) && count.get().getInt() < 1)
    return parser.emitError(countLoc, "a loop runs at least once, found ") << count.get().getInt();
  bool isPart = succeeded(parser.parseOptionalKeyword("from"));
  if (isPart && parser.parseInteger(from))
    return failure();
  if (parseBindings(parser, "carry", false, state, args, carries) ||
      parseBindings(parser, "slice", true, state, args, slices))
    return failure();
  OpAsmParser::UnresolvedOperand limit;
  bool isLimited = succeeded(parser.parseOptionalKeyword("limit"));
  auto limitType = RankedTensorType::get({}, b.getI32Type());
  if (isLimited && (parser.parseLParen() || parser.parseOperand(limit) || parser.parseRParen() ||
                    parser.resolveOperand(limit, limitType, state.operands)))
    return failure();
  Sized<RecomputeAttr> recompute = RecomputeAttr::get(b.getContext(), Recompute::nothing);
  if (succeeded(parser.parseOptionalKeyword("recompute"))) {
    StringRef word;
    if (parser.parseLParen() || parser.parseKeyword(&word) || parser.parseRParen())
      return failure();
    if (auto policy = symbolizeRecompute(word))
      recompute = RecomputeAttr::get(b.getContext(), *policy);
    else // a setting of the model
      recompute =
          cast<Sized<RecomputeAttr>>(Attribute(SizedAttr::get(b.getContext(), b.getStringAttr(word), recompute)));
  }
  if (succeeded(parser.parseOptionalKeyword("reverse")))
    properties.setReverse(b.getUnitAttr());
  properties.setLoopName(name);
  properties.setCount(count);
  if (isPart)
    properties.setFrom(b.getI64IntegerAttr(from));
  properties.setRecompute(recompute);
  llvm::copy(ArrayRef<int32_t>{carries, slices, isLimited}, properties.operandSegmentSizes.begin());
  if (parser.parseOptionalAttrDictWithKeyword(state.attributes))
    return failure();
  Region *body = state.addRegion();
  SMLoc bodyLoc = parser.getCurrentLocation();
  if (parser.parseRegion(*body, args))
    return failure();
  auto yield = body->empty() || body->front().empty() ? YieldOp() : dyn_cast<YieldOp>(body->front().back());
  if (!yield)
    return parser.emitError(bodyLoc, "the loop body must end with nanochat.yield");
  for (int32_t i = 0; i < carries; ++i)
    state.addTypes(state.operands[i].getType());
  for (Type type : yield.getStacks().getTypes())
    state.addTypes(stackType(count.get().getInt(), type));
  return success();
}

void LoopOp::print(OpAsmPrinter &p) {
  p << ' ' << getLoopNameAttr() << " = ";
  printSized(p, getCountAttr());
  if (getFrom())
    p << " from " << getFirst();
  auto bindings = [&](StringRef keyword, ArrayRef<BlockArgument> args, ValueRange operands) {
    if (args.empty())
      return;
    p << ' ' << keyword << '(';
    llvm::interleaveComma(llvm::zip(args, operands), p, [&](auto pair) {
      p << std::get<0>(pair) << " = " << std::get<1>(pair);
      printTypeList(p, std::get<1>(pair).getType());
    });
    p << ')';
  };
  bindings("carry", getCarryArgs(), getInits());
  bindings("slice", getSliceArgs(), getSlices());
  if (getLimit())
    p << " limit(" << getLimit() << ')';
  if (auto named = dyn_cast<SizedAttr>(Attribute(getRecomputeAttr())))
    p << " recompute(" << formulaText(named.getFormula()) << ')';
  else if (getRecompute() != Recompute::nothing)
    p << " recompute(" << stringifyRecompute(getRecompute()) << ')';
  if (getReverse())
    p << " reverse";
  p.printOptionalAttrDictWithKeyword((*this)->getDiscardableAttrDictionary().getValue());
  p << ' ';
  p.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

//===--- Meaning: scf.for over slices and stacks ---------------------------------------------===//

/// Offsets, sizes and strides of element `index` of a stack of `type`.
struct SlicePosition {
  SmallVector<OpFoldResult> offsets, sizes, strides;
  SlicePosition(OpBuilder &b, Value index, RankedTensorType stack)
      : offsets(stack.getRank(), b.getIndexAttr(0)), strides(stack.getRank(), b.getIndexAttr(1)) {
    for (int64_t size : stack.getShape())
      sizes.push_back(b.getIndexAttr(size));
    offsets[0] = index;
    sizes[0] = b.getIndexAttr(1);
  }
};

SmallVector<Value> LoopOp::decompose(ImplicitLocOpBuilder &b) {
  Value zero = arith::ConstantIndexOp::create(b, 0), one = arith::ConstantIndexOp::create(b, 1);
  Value count = arith::ConstantIndexOp::create(b, getCount());
  if (getLimit()) {
    Value limit = tensor::ExtractOp::create(b, getLimit(), ValueRange());
    count = arith::MinUIOp::create(b, count, arith::IndexCastUIOp::create(b, b.getIndexType(), limit));
  }
  SmallVector<Value> inits(getInits());
  for (Value stack : getStackResults()) {
    auto type = cast<RankedTensorType>(stack.getType());
    inits.push_back(tensor::EmptyOp::create(b, type.getShape(), type.getElementType()));
  }
  auto loop = scf::ForOp::create(b, zero, count, one, inits);
  ImplicitLocOpBuilder in = ImplicitLocOpBuilder::atBlockEnd(getLoc(), loop.getBody());
  Value index = loop.getInductionVar();
  if (getReverse())
    index = arith::SubIOp::create(in, arith::ConstantIndexOp::create(in, getCount() - 1), index);
  Value element = index;
  if (getFrom())
    element = arith::AddIOp::create(in, arith::ConstantIndexOp::create(in, getFirst()), index);
  IRMapping map;
  map.map(getCarryArgs(), loop.getRegionIterArgs().take_front(getNumCarries()));
  for (auto [arg, slice] : llvm::zip(getSliceArgs(), getSlices())) {
    SlicePosition at(in, element, cast<RankedTensorType>(slice.getType()));
    map.map(arg, tensor::ExtractSliceOp::create(in, cast<RankedTensorType>(arg.getType()), slice, at.offsets, at.sizes,
                                                at.strides));
  }
  for (Operation &op : getBody().front().without_terminator())
    in.clone(op, map);
  SmallVector<Value> yields;
  for (Value value : getYield().getValues())
    yields.push_back(map.lookupOrDefault(value));
  for (auto [value, stack] : llvm::zip(getYield().getStacks(), loop.getRegionIterArgs().drop_front(getNumCarries()))) {
    SlicePosition at(in, index, cast<RankedTensorType>(stack.getType()));
    yields.push_back(
        tensor::InsertSliceOp::create(in, map.lookupOrDefault(value), stack, at.offsets, at.sizes, at.strides));
  }
  scf::YieldOp::create(in, yields);
  return SmallVector<Value>(loop.getResults());
}
