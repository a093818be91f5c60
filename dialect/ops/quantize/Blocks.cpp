// Blocks of consecutive elements and their codes.
#include "dialect/ops/quantize/Blocks.h"
#include "dialect/Formats.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

//===--- Shapes ------------------------------------------------------------------------------===//

RankedTensorType mlir::nanochat::blocksOf(RankedTensorType param, int64_t block) {
  int64_t elements = param.getNumElements(), length = std::min(elements, block);
  while (length > 1 && 2 * length >= block && elements % length)
    --length;
  if (elements % length || (2 * length < block && length != elements))
    length = block;
  return withShape(param, {int64_t(llvm::divideCeil(elements, length)), length});
}

Value mlir::nanochat::reshape(ImplicitLocOpBuilder &b, Value x, ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(x.getType());
  if (type.getShape() == shape)
    return x;
  if (type.getRank() == 0)
    return tensor::ExpandShapeOp::create(b, withShape(type, shape), x, ArrayRef<ReassociationIndices>{});
  if (shape.empty())
    return tensor::CollapseShapeOp::create(b, withShape(type, {}), x, ArrayRef<ReassociationIndices>{});
  ReassociationIndices all = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  Value flat = type.getRank() == 1 ? x : tensor::CollapseShapeOp::create(b, x, ArrayRef<ReassociationIndices>{all});
  if (shape.size() == 1)
    return flat;
  all = llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
  return tensor::ExpandShapeOp::create(b, withShape(type, shape), flat, ArrayRef<ReassociationIndices>{all});
}

Value mlir::nanochat::flatten(ImplicitLocOpBuilder &b, Value x) {
  return reshape(b, x, {cast<RankedTensorType>(x.getType()).getNumElements()});
}

Value mlir::nanochat::toBlocks(ImplicitLocOpBuilder &b, Value x, RankedTensorType blocks) {
  if (cast<RankedTensorType>(x.getType()).getNumElements() == blocks.getNumElements())
    return reshape(b, x, blocks.getShape());
  return BlockOp::create(b, blocks, flatten(b, x));
}

Value mlir::nanochat::fromBlocks(ImplicitLocOpBuilder &b, Value blocks, RankedTensorType type) {
  if (cast<RankedTensorType>(blocks.getType()).getNumElements() != type.getNumElements())
    blocks = UnblockOp::create(b, withShape(type, {type.getNumElements()}), blocks);
  return reshape(b, blocks, type.getShape());
}

void mlir::nanochat::appendCodedState(SmallVectorImpl<OptimizerState> &states, StringRef name, RankedTensorType param,
                                      int64_t block) {
  RankedTensorType blocks = blocksOf(param, block);
  states.push_back({(name + ".codes").str(), withElement(blocks, IntegerType::get(param.getContext(), 8))});
  states.push_back({(name + ".scales").str(), withShape(blocks, {blocks.getDimSize(0)})});
}

//===--- block, unblock ----------------------------------------------------------------------===//

/// Rows of n elements in ⌈n/L⌉ blocks each.
static LogicalResult verifyBlocks(Operation *op, Type whole, Type blocks) {
  auto from = cast<RankedTensorType>(whole), to = cast<RankedTensorType>(blocks);
  int64_t rows = from.getRank() == 2 ? from.getDimSize(0) : 1;
  int64_t expected = rows * int64_t(llvm::divideCeil(from.getShape().back(), std::max<int64_t>(1, to.getDimSize(1))));
  if (to.getDimSize(0) != expected || to.getDimSize(1) < 1)
    return op->emitOpError("relates ") << from << " and " << to << ", but " << from << " has " << expected
                                       << " blocks of " << to.getDimSize(1);
  return success();
}
LogicalResult BlockOp::verify() { return verifyBlocks(*this, getX().getType(), getY().getType()); }
LogicalResult UnblockOp::verify() { return verifyBlocks(*this, getX().getType(), getY().getType()); }

static Value index(ImplicitLocOpBuilder &s, int64_t dim) { return linalg::IndexOp::create(s, dim); }
static Value number(ImplicitLocOpBuilder &s, int64_t value) { return arith::ConstantIndexOp::create(s, value); }

SmallVector<Value> BlockOp::decompose(ImplicitLocOpBuilder &b) {
  auto from = cast<RankedTensorType>(getX().getType());
  RankedTensorType to = getY().getType();
  if (from.getNumElements() == to.getNumElements())
    return {reshape(b, getX(), to.getShape())};
  int64_t n = from.getShape().back(), length = to.getDimSize(1), perRow = llvm::divideCeil(n, length);
  return {pointwise(b, to, {}, {}, [&](ImplicitLocOpBuilder &s, ValueRange) -> Value {
    Value block = index(s, 0), row = arith::DivUIOp::create(s, block, number(s, perRow));
    Value start = arith::MulIOp::create(s, arith::RemUIOp::create(s, block, number(s, perRow)), number(s, length));
    Value at = arith::AddIOp::create(s, start, index(s, 1));
    Value inside = arith::CmpIOp::create(s, arith::CmpIPredicate::ult, at, number(s, n));
    Value safe = arith::SelectOp::create(s, inside, at, number(s, 0));
    SmallVector<Value> place{row, safe};
    Value x = tensor::ExtractOp::create(s, getX(), ArrayRef(place).take_back(from.getRank()));
    return arith::SelectOp::create(s, inside, x, constant(s, x.getType(), 0.0));
  })};
}

SmallVector<Value> UnblockOp::decompose(ImplicitLocOpBuilder &b) {
  auto to = cast<RankedTensorType>(getX().getType());
  RankedTensorType from = getY().getType();
  if (from.getNumElements() == to.getNumElements())
    return {reshape(b, getY(), to.getShape())};
  int64_t length = from.getDimSize(1), perRow = llvm::divideCeil(to.getShape().back(), length);
  return {pointwise(b, to, {}, {}, [&](ImplicitLocOpBuilder &s, ValueRange) -> Value {
    Value at = index(s, to.getRank() - 1), block = arith::DivUIOp::create(s, at, number(s, length));
    if (to.getRank() == 2)
      block = arith::AddIOp::create(s, arith::MulIOp::create(s, index(s, 0), number(s, perRow)), block);
    return tensor::ExtractOp::create(s, getY(), ValueRange{block, arith::RemUIOp::create(s, at, number(s, length))});
  })};
}

// Where the last block is filled up, no dimension of one divides the other's: one loop over each.
static SmallVector<AffineMap> blockMaps(MLIRContext *ctx, int64_t in, int64_t out) {
  SmallVector<unsigned> dims = llvm::to_vector(llvm::seq<unsigned>(0, in + out));
  return {projection(ctx, in + out, ArrayRef(dims).take_front(in)),
          projection(ctx, in + out, ArrayRef(dims).drop_front(in))};
}
static SmallVector<IteratorType> blockLoops(int64_t in, int64_t out) {
  SmallVector<IteratorType> types(in, IteratorType::reduction);
  types.append(out, IteratorType::parallel);
  return types;
}
static int64_t rankOf(Value v) { return cast<RankedTensorType>(v.getType()).getRank(); }

SmallVector<IteratorType> BlockOp::getLoopIteratorTypes() { return blockLoops(rankOf(getX()), 2); }
SmallVector<AffineMap> BlockOp::getIndexingMaps() { return blockMaps(getContext(), rankOf(getX()), 2); }

SmallVector<IteratorType> UnblockOp::getLoopIteratorTypes() { return blockLoops(2, rankOf(getX())); }
SmallVector<AffineMap> UnblockOp::getIndexingMaps() { return blockMaps(getContext(), 2, rankOf(getX())); }

//===--- quantize_blocks, dequantize_blocks --------------------------------------------------===//

LogicalResult QuantizeBlocksOp::inferReturnTypes(MLIRContext *ctx, std::optional<Location>, Adaptor adaptor,
                                                 SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  Builder b(ctx);
  types.append({withElement(x, factsOf(adaptor.getFormat()).storage(b)), withShape(x, {x.getDimSize(0)})});
  return success();
}

/// Codes are stored as the format says, whose largest number scales refer to.
static LogicalResult verifyCodes(Operation *op, Format format, RankedTensorType codes) {
  Builder b(op->getContext());
  const FormatFacts &facts = factsOf(format);
  if (!llvm::is_contained(blockFormats(), format))
    return op->emitOpError("has the format ")
           << stringifyFormat(format) << ", which blocks cannot have; theirs is " << listFormats(blockFormats());
  if (Type storage = facts.storage(b); codes.getElementType() != storage)
    return op->emitOpError("has codes ") << codes << ", but those of " << stringifyFormat(format) << " are " << storage;
  return success();
}

LogicalResult QuantizeBlocksOp::verify() { // quantize_blocks-c1
  return verifyCodes(*this, getFormat(), getCodes().getType());
}

RowScales mlir::nanochat::scaleRows(ImplicitLocOpBuilder &b, Value x, double most) {
  auto type = typeOf(x), rows = withShape(type, type.getShape().drop_back());
  unsigned rank = type.getRank();
  SmallVector<unsigned> outer = llvm::to_vector(llvm::seq<unsigned>(0, rank - 1));
  Value largest = reduce(b, rows, rank, outer, 0.0, x, b.getMultiDimIdentityMap(rank),
                         [](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                           return arith::MaximumFOp::create(s, v[1], math::AbsFOp::create(s, v[0]));
                         });
  Value inverse = pointwise(b, largest, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    auto c = [&](double value) { return constant(s, v[0].getType(), value); };
    Value counts = arith::CmpFOp::create(s, arith::CmpFPredicate::OGT, v[0], c(most * 0x1p-127));
    return arith::SelectOp::create(s, counts, div(s, c(most), v[0]), c(0));
  });
  Value scales = pointwise(b, largest, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    return mul(s, v[0], constant(s, v[0].getType(), 1 / most));
  });
  return {inverse, scales};
}

SmallVector<Value> QuantizeBlocksOp::decompose(ImplicitLocOpBuilder &b) {
  RowScales rows = scaleRows(b, getX(), factsOf(getFormat()).largest);
  AffineMap full = b.getMultiDimIdentityMap(2), row = projection(getContext(), 2, {0});
  Value codes =
      pointwise(b, getCodes().getType(), {getX(), rows.inverse}, {full, row},
                [&](ImplicitLocOpBuilder &s, ValueRange v) { return encode(s, getFormat(), mul(s, v[0], v[1])); });
  return {codes, rows.scales};
}

LogicalResult DequantizeBlocksOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                   SmallVectorImpl<Type> &types) {
  auto codes = cast<RankedTensorType>(adaptor.getCodes().getType());
  types.push_back(withElement(codes, cast<RankedTensorType>(adaptor.getScales().getType()).getElementType()));
  return success();
}

LogicalResult DequantizeBlocksOp::verify() {
  auto codes = cast<RankedTensorType>(getCodes().getType()), scales = cast<RankedTensorType>(getScales().getType());
  if (scales.getDimSize(0) != codes.getDimSize(0))
    return emitOpError("has scales ") << scales << ", expected one for each of the " << codes.getDimSize(0)
                                      << " blocks of " << codes;
  return verifyCodes(*this, getFormat(), codes);
}

SmallVector<Value> DequantizeBlocksOp::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType type = getX().getType();
  return {pointwise(b, type, {getCodes(), getScales()}, {b.getMultiDimIdentityMap(2), projection(getContext(), 2, {0})},
                    [&](ImplicitLocOpBuilder &s, ValueRange v) {
                      return mul(s, decode(s, getFormat(), v[0], v[1].getType()), v[1]);
                    })};
}
