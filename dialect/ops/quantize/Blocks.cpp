// Blocks of consecutive elements and their 8-bit codes.
#include "dialect/ops/quantize/Blocks.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

//===------------------------------------------------------------------------------------------===//
// Shapes
//===------------------------------------------------------------------------------------------===//

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

//===------------------------------------------------------------------------------------------===//
// block, unblock
//===------------------------------------------------------------------------------------------===//

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
SmallVector<ReductionKind> BlockOp::getReductionLoopIteratorKinds() {
  return SmallVector<ReductionKind>(rankOf(getX()), ReductionKind::Generic);
}
SmallVector<AffineMap> BlockOp::getIndexingMaps() { return blockMaps(getContext(), rankOf(getX()), 2); }

SmallVector<IteratorType> UnblockOp::getLoopIteratorTypes() { return blockLoops(2, rankOf(getX())); }
SmallVector<ReductionKind> UnblockOp::getReductionLoopIteratorKinds() {
  return SmallVector<ReductionKind>(2, ReductionKind::Generic);
}
SmallVector<AffineMap> UnblockOp::getIndexingMaps() { return blockMaps(getContext(), 2, rankOf(getX())); }

//===------------------------------------------------------------------------------------------===//
// The dynamic map
//===------------------------------------------------------------------------------------------===//

namespace {
/// The numbers of the dynamic map: decade i holds size(i) of them, the first at code first(i).
struct DynamicMap {
  bool isSigned;
  static constexpr int kDecades = 7;

  double size(int i) const { return std::exp2(isSigned ? i : i + 1); }
  double first(int i) const { return isSigned ? size(i) : size(i) - 1; }
  double last() const { return isSigned ? 128 : 255; } // the code of 1
  double value(int i, double k) const { return std::pow(10, i - 6) * (0.1 + 0.9 * (k + 0.5) / size(i)); }
  double zeroThreshold() const { return value(0, 0) / 2; }
  double topThreshold() const { return (1 + value(6, size(6) - 1)) / 2; }
};

/// Scalar code on one element.
struct Scalars {
  ImplicitLocOpBuilder &s;
  Type type; // float
  Value operator()(double value) { return constant(s, type, value); }
  Value atLeast(Value x, double bound) {
    return arith::CmpFOp::create(s, arith::CmpFPredicate::OGE, x, (*this)(bound));
  }
  // Of numbers that are not NaN: one instruction, where minimumf and maximumf take five.
  Value largest(Value x, Value y) { return select(arith::CmpFOp::create(s, arith::CmpFPredicate::OGT, x, y), x, y); }
  Value least(Value x, Value y) { return select(arith::CmpFOp::create(s, arith::CmpFPredicate::OLT, x, y), x, y); }
  Value select(Value c, Value yes, Value no) { return arith::SelectOp::create(s, c, yes, no); }
  /// For a positive, whole x: are all bits behind the first zero?
  Value isPowerOfTwo(Value x) {
    auto bits = s.getIntegerType(type.getIntOrFloatBitWidth());
    int64_t mantissa = (int64_t(1) << (cast<FloatType>(type).getFPMantissaWidth() - 1)) - 1;
    Value mask = arith::ConstantOp::create(s, s.getIntegerAttr(bits, mantissa)),
          zero = arith::ConstantOp::create(s, s.getIntegerAttr(bits, 0));
    Value behind = arith::AndIOp::create(s, arith::BitcastOp::create(s, bits, x), mask);
    return arith::CmpIOp::create(s, arith::CmpIPredicate::eq, behind, zero);
  }
};
} // namespace

/// The code, as a float without sign, of 0 ≤ a ≤ 1 but for that of 1: what rounds down to it on the lowest of the
/// decades' lines size + (a·10^(6−i) − 0.1)/0.9·size, which meet where one decade's numbers end and the next one's
/// begin. There the numbers are five times closer below than above, so that the nearest to the first fifth behind is
/// the last one before.
static Value encodeDynamic(Scalars f, DynamicMap map, Value a) {
  SmallVector<Value> lines;
  for (int i = 0; i < DynamicMap::kDecades; ++i)
    lines.push_back(
        math::FmaOp::create(f.s, a, f(std::pow(10, 6 - i) * map.size(i) / 0.9), f(map.size(i) * (8.0 / 9))));
  while (lines.size() > 1) {
    SmallVector<Value> halved;
    for (size_t i = 0; i < lines.size(); i += 2)
      halved.push_back(i + 1 < lines.size() ? f.least(lines[i], lines[i + 1]) : lines[i]);
    lines = halved;
  }
  Value whole = math::FloorOp::create(f.s, lines[0]), code = map.isSigned ? whole : sub(f.s, whole, f(1));
  Value early = arith::CmpFOp::create(f.s, arith::CmpFPredicate::OLT, sub(f.s, lines[0], whole), f(0.2));
  code = f.select(arith::AndIOp::create(f.s, early, f.isPowerOfTwo(whole)), sub(f.s, code, f(1)), code);
  code = f.least(f.largest(code, f(1)), f(map.last() - 1));
  return f.select(f.atLeast(a, map.zeroThreshold()), code, f(0));
}

/// What a code without sign stands for: a line within each decade, 10^(i−6)·(0.1 + 0.9·(code − first + ½)/size). Each
/// is steeper than that before it and meets it between their codes, so the number lies on the highest line.
static Value decodeDynamic(Scalars f, DynamicMap map, Value code) {
  Value value = f(0);
  for (int i = 0; i < DynamicMap::kDecades; ++i) {
    double start = map.value(i, -map.first(i)), slope = map.value(i, 1) - map.value(i, 0);
    value = f.largest(math::FmaOp::create(f.s, code, f(slope), f(start)), value);
  }
  return f.least(value, f(1));
}

//===------------------------------------------------------------------------------------------===//
// quantize_blocks, dequantize_blocks
//===------------------------------------------------------------------------------------------===//

LogicalResult QuantizeBlocksOp::inferReturnTypes(MLIRContext *ctx, std::optional<Location>, Adaptor adaptor,
                                                 SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  types.append({withElement(x, IntegerType::get(ctx, 8)), withShape(x, {x.getDimSize(0)})});
  return success();
}

/// The code of x, where 1/scale is `inverse`.
static Value encode(Scalars f, StateMap map, Value x, Value inverse) {
  Value a = mul(f.s, x, inverse);
  Type i32 = f.s.getI32Type(), i8 = f.s.getI8Type();
  auto integer = [&](Value v) { return arith::TruncIOp::create(f.s, i8, arith::FPToSIOp::create(f.s, i32, v)); };
  if (map == StateMap::linear)
    return integer(math::RoundEvenOp::create(f.s, a));
  DynamicMap dynamic{map == StateMap::dynamic};
  Value magnitude = dynamic.isSigned ? Value(math::AbsFOp::create(f.s, a)) : a;
  Value code = encodeDynamic(f, dynamic, magnitude);
  // Only +1 has a code of its own.
  code = f.select(f.atLeast(a, dynamic.topThreshold()), f(dynamic.last()), code);
  if (dynamic.isSigned)
    code = math::CopySignOp::create(f.s, code, a);
  return integer(code);
}

SmallVector<Value> QuantizeBlocksOp::decompose(ImplicitLocOpBuilder &b) {
  auto type = cast<RankedTensorType>(getX().getType());
  auto rows = withShape(type, {type.getDimSize(0)});
  AffineMap full = b.getMultiDimIdentityMap(2), row = projection(getContext(), 2, {0}),
            id = b.getMultiDimIdentityMap(1);
  Value largest = reduce(b, rows, 2, {0}, 0.0, getX(), full, [](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    return arith::MaximumFOp::create(s, v[1], math::AbsFOp::create(s, v[0]));
  });
  double steps = getMap() == StateMap::linear ? 127 : 1;
  Value inverse = pointwise(b, rows, largest, id, [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    Scalars f{s, v[0].getType()};
    Value positive = arith::CmpFOp::create(s, arith::CmpFPredicate::OGT, v[0], f(0));
    return f.select(positive, div(s, f(steps), v[0]), f(0));
  });
  Value codes = pointwise(
      b, withElement(type, b.getI8Type()), {getX(), inverse}, {full, row},
      [&](ImplicitLocOpBuilder &s, ValueRange v) { return encode({s, v[0].getType()}, getMap(), v[0], v[1]); });
  Value scales = pointwise(b, rows, largest, id, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    return mul(s, v[0], constant(s, v[0].getType(), 1 / steps));
  });
  return {codes, scales};
}

SmallVector<IteratorType> QuantizeBlocksOp::getLoopIteratorTypes() {
  return {IteratorType::parallel, IteratorType::reduction};
}
SmallVector<ReductionKind> QuantizeBlocksOp::getReductionLoopIteratorKinds() { return {ReductionKind::Max}; }
SmallVector<AffineMap> QuantizeBlocksOp::getIndexingMaps() {
  AffineMap full = projection(getContext(), 2, {0, 1});
  return {full, full, projection(getContext(), 2, {0})};
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
  return success();
}

SmallVector<Value> DequantizeBlocksOp::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType type = getX().getType();
  StateMap map = getMap();
  return {pointwise(b, type, {getCodes(), getScales()}, {b.getMultiDimIdentityMap(2), projection(getContext(), 2, {0})},
                    [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                      Type i32 = s.getI32Type();
                      Value code = map == StateMap::dynamic_unsigned ? Value(arith::ExtUIOp::create(s, i32, v[0]))
                                                                     : arith::ExtSIOp::create(s, i32, v[0]);
                      Scalars f{s, v[1].getType()};
                      code = arith::SIToFPOp::create(s, f.type, code);
                      if (map == StateMap::linear)
                        return mul(s, code, v[1]);
                      DynamicMap dynamic{map == StateMap::dynamic};
                      if (!dynamic.isSigned)
                        return mul(s, decodeDynamic(f, dynamic, code), v[1]);
                      // −128 is the code of +1.
                      code = f.select(f.atLeast(code, -127), code, f(dynamic.last()));
                      Value value = decodeDynamic(f, dynamic, math::AbsFOp::create(s, code));
                      return mul(s, math::CopySignOp::create(s, value, code), v[1]);
                    })};
}

SmallVector<IteratorType> DequantizeBlocksOp::getLoopIteratorTypes() {
  return {IteratorType::parallel, IteratorType::parallel};
}
SmallVector<ReductionKind> DequantizeBlocksOp::getReductionLoopIteratorKinds() { return {}; }
SmallVector<AffineMap> DequantizeBlocksOp::getIndexingMaps() {
  AffineMap full = projection(getContext(), 2, {0, 1});
  return {full, projection(getContext(), 2, {0}), full};
}
