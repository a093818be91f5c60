// Four-bit floats: what they are in scalars and vectors, and the ops that make them.
#include "dialect/ops/quantize/Fp4.h"
#include "dialect/Formats.h"
#include "dialect/ops/quantize/Quantize.h"
#include "dialect/ops/quantize/Random.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "runtime/program/Philox.h"
#include <limits>

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

const Fp4Facts &mlir::nanochat::factsOf(Fp4Format format) {
  static constexpr Fp4Facts table[] = {{Fp4Format::mxfp4, 32, Format::e8m0, 64},
                                       {Fp4Format::nvfp4, 16, Format::e4m3, 16}};
  return *llvm::find_if(table, [&](auto &row) { return row.format == format; });
}

Format mlir::nanochat::scaleFormatOf(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isInteger(8) ? Format::e8m0 : *formatOf(element);
}

//===--- Scalars and vectors -----------------------------------------------------------------===//

static Value select(ImplicitLocOpBuilder &b, arith::CmpFPredicate holds, Value x, double limit, Value then,
                    Value other) {
  Value is = arith::CmpFOp::create(b, holds, x, constant(b, x.getType(), limit));
  return arith::SelectOp::create(b, is, then, other);
}
static Value select(ImplicitLocOpBuilder &b, arith::CmpIPredicate holds, Value x, double limit, Value then,
                    Value other) {
  Value is = arith::CmpIOp::create(b, holds, x, constant(b, x.getType(), limit));
  return arith::SelectOp::create(b, is, then, other);
}

/// The type of integers as wide as f32, or of floats, in the shape of `like`.
static Type words(ImplicitLocOpBuilder &b, Type like) { return withElementOf(like, b.getI32Type()); }
static Type floats(ImplicitLocOpBuilder &b, Type like) { return withElementOf(like, b.getF32Type()); }

/// The byte of a power of two, by exponents of f32.
static Value powerOfTwo(ImplicitLocOpBuilder &b, Value largest, bool up) {
  Type i32 = words(b, largest.getType());
  auto c = [&](double value) { return constant(b, i32, value); };
  Value bits = arith::BitcastOp::create(b, i32, convertFloat(b, largest, floats(b, i32)));
  Value field = arith::ShRUIOp::create(b, bits, c(23)), byte = arith::SubIOp::create(b, field, c(2));
  if (up) { // 6 is 1.5 · 4
    Value fraction = arith::AndIOp::create(b, bits, c(0x7FFFFF)), one = arith::AddIOp::create(b, byte, c(1));
    byte = select(b, arith::CmpIPredicate::ugt, fraction, 0x400000, one, byte);
  }
  byte = select(b, arith::CmpIPredicate::slt, byte, 1, c(0), byte);
  byte = select(b, arith::CmpIPredicate::eq, field, 255, c(255), byte);
  return arith::TruncIOp::create(b, withElementOf(i32, b.getI8Type()), byte);
}

Value mlir::nanochat::blockScale(ImplicitLocOpBuilder &b, QuantizeFp4Op op, Value largest, Value tensor) {
  if (op.getFormat() == Fp4Format::mxfp4)
    return powerOfTwo(b, largest, op.getScale() == Fp4Scale::up);
  auto c = [&](double value) { return constant(b, largest.getType(), value); };
  Value most = mul(b, largest, mul(b, tensor, c(1.0 / 6)));
  return encode(b, Format::e4m3, arith::MinimumFOp::create(b, most, c(factsOf(Format::e4m3).largest)));
}

Value mlir::nanochat::magnitude(ImplicitLocOpBuilder &b, Value number) {
  Type word = words(b, number.getType());
  return arith::AndIOp::create(b, arith::BitcastOp::create(b, word, number), constant(b, word, 0x7FFFFFFF));
}

Value mlir::nanochat::inverseScale(ImplicitLocOpBuilder &b, QuantizeFp4Op op, Value scale, Value tensor, Type type) {
  if (op.getFormat() == Fp4Format::nvfp4) {
    Value number = decode(b, Format::e4m3, scale, type), zero = constant(b, type, 0);
    Value most = constant(b, type, std::numeric_limits<float>::max());
    Value inverse = arith::MinimumFOp::create(b, div(b, tensor, number), most);
    return select(b, arith::CmpFPredicate::OEQ, number, 0, zero, inverse);
  }
  Type i32 = words(b, type);
  Value byte = arith::ExtUIOp::create(b, i32, scale), zero = constant(b, i32, 0);
  Value bits = arith::ShLIOp::create(b, arith::SubIOp::create(b, constant(b, i32, 254), byte), constant(b, i32, 23));
  bits = select(b, arith::CmpIPredicate::eq, byte, 0, zero, bits);
  bits = select(b, arith::CmpIPredicate::eq, byte, 255, zero, bits);
  Value inverse = convertFloat(b, arith::BitcastOp::create(b, floats(b, type), bits), type);
  return op.getFactor() == 1 ? inverse : mul(b, inverse, constant(b, type, 0.75));
}

Value mlir::nanochat::fp4Code(ImplicitLocOpBuilder &b, Value number, Value half) {
  Type type = number.getType();
  auto c = [&](double value) { return constant(b, type, value); };
  Value size = math::AbsFOp::create(b, number);
  size = select(b, arith::CmpFPredicate::OLE, size, 6, size, c(6)); // what is not a number is 6 too
  auto byInterval = [&](double low, double middle, double high) {
    Value upper = select(b, arith::CmpFPredicate::OLT, size, 4, c(middle), c(high));
    return select(b, arith::CmpFPredicate::OLT, size, 2, c(low), upper);
  };
  Value steps = mul(b, size, byInterval(2, 1, 0.5));
  if (half) {
    steps = roundByChance(b, steps, mul(b, arith::UIToFPOp::create(b, type, half), c(0x1p-16)));
  } else {
    steps = math::RoundEvenOp::create(b, steps);
  }
  Value code = math::CopySignOp::create(b, mul(b, steps, byInterval(1, 2, 4)), number);
  Value wide = arith::FPToSIOp::create(b, words(b, type), code);
  return arith::TruncIOp::create(b, withElementOf(type, b.getI8Type()), wide);
}

//===--- hadamard ----------------------------------------------------------------------------===//

int mlir::nanochat::hadamardSign(int64_t i) { return nc::philox({uint32_t(i), 0, 0, 0}, {0, 0})[0] & 1 ? -1 : 1; }

static LogicalResult verifyRuns(Operation *op, int64_t run, int64_t rows) {
  if (!llvm::isPowerOf2_64(run) || run > 128 || rows % run)
    return op->emitOpError("transforms runs of ")
           << run << " of " << rows << " rows; a run is a power of two up to 128 that divides them";
  return success();
}

LogicalResult HadamardOp::verify() { // hadamard-c1
  return verifyRuns(*this, getRun(), getX().getType().getDimSize(0));
}

SmallVector<AffineMap> HadamardOp::getIndexingMaps() {
  AffineMap full = projection(getContext(), 2, {0, 1});
  return {full, full};
}

DispatchClass HadamardOp::getDispatchClass() { return DispatchClass::rowwise; }

/// In a body: whether the sign of row `i` (an index) of a run is −1. Signs are bits of two words, not a tensor, which
/// would keep what reads it from being evaluated element by element.
static Value isNegative(ImplicitLocOpBuilder &s, Value i, int64_t run) {
  uint64_t words[2] = {0, 0};
  for (int64_t k = 0; k < run; ++k)
    words[k / 64] |= uint64_t(hadamardSign(k) < 0) << k % 64;
  auto c = [&](uint64_t value) -> Value { return arith::ConstantOp::create(s, s.getI64IntegerAttr(int64_t(value))); };
  Value at = arith::IndexCastOp::create(s, s.getI64Type(), i), word = c(words[0]);
  if (run > 64) {
    Value isBehind = arith::CmpIOp::create(s, arith::CmpIPredicate::uge, at, c(64));
    word = arith::SelectOp::create(s, isBehind, c(words[1]), word);
  }
  Value bit = arith::ShRUIOp::create(s, word, arith::AndIOp::create(s, at, c(63)));
  return arith::TruncIOp::create(s, s.getI1Type(), bit);
}

/// Runs of rows of x, transformed.
static Value transform(ImplicitLocOpBuilder &b, Value x, int64_t run) {
  RankedTensorType type = typeOf(x);
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  Value y = pointwise(b, type, x, b.getMultiDimIdentityMap(2), [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    Value row = arith::RemUIOp::create(s, linalg::IndexOp::create(s, 0), arith::ConstantIndexOp::create(s, run));
    return arith::SelectOp::create(s, isNegative(s, row, run), arith::NegFOp::create(s, v[0]), v[0]);
  });
  SmallVector<ReassociationIndices> groups{{0, 1, 2}, {3}};
  AffineExpr block = b.getAffineDimExpr(0), row = b.getAffineDimExpr(2), column = b.getAffineDimExpr(3);
  for (int64_t h = 1; h < run; h *= 2) {
    RankedTensorType pairs = withShape(type, {rows / (2 * h), 2, h, columns});
    auto half = [&](int64_t i) {
      return AffineMap::get(4, 0, {block, b.getAffineConstantExpr(i), row, column}, b.getContext());
    };
    Value split = tensor::ExpandShapeOp::create(b, pairs, y, groups);
    Value next =
        pointwise(b, pairs, {split, split}, {half(0), half(1)}, [](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
          Value isSecond = arith::CmpIOp::create(s, arith::CmpIPredicate::ne, linalg::IndexOp::create(s, 1),
                                                 arith::ConstantIndexOp::create(s, 0));
          return arith::SelectOp::create(s, isSecond, sub(s, v[0], v[1]), add(s, v[0], v[1]));
        });
    y = tensor::CollapseShapeOp::create(b, type, next, groups);
  }
  return y;
}

SmallVector<Value> HadamardOp::decompose(ImplicitLocOpBuilder &b) { return {transform(b, getX(), getRun())}; }

//===--- tensor_scale ------------------------------------------------------------------------===//

static Value largerMagnitude(ImplicitLocOpBuilder &s, ValueRange v) {
  return arith::MaximumFOp::create(s, v[1], math::AbsFOp::create(s, v[0]));
}

SmallVector<Value> TensorScaleOp::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType type = getX().getType();
  Value rows = reduce(b, withShape(type, {type.getDimSize(0)}), 2, {0}, 0.0, getX(), b.getMultiDimIdentityMap(2),
                      largerMagnitude);
  Value largest = reduce(b, withShape(type, {}), 1, {}, 0.0, rows, b.getMultiDimIdentityMap(1), largerMagnitude);
  return {pointwise(b, largest, [](ImplicitLocOpBuilder &s, ValueRange v) {
    auto c = [&](double value) { return constant(s, v[0].getType(), value); };
    Value scale = arith::MinimumFOp::create(s, div(s, c(6 * factsOf(Format::e4m3).largest), v[0]),
                                            c(std::numeric_limits<float>::max()));
    return select(s, arith::CmpFPredicate::OEQ, v[0], 0, c(1), scale);
  })};
}

//===--- quantize_fp4 ------------------------------------------------------------------------===//

static int64_t blockOf(QuantizeFp4Op op) { return factsOf(op.getFormat()).block; }

double QuantizeFp4Op::getFactor() {
  bool shrinks = getFormat() == Fp4Format::mxfp4 && getScale() == Fp4Scale::floor && getDraws();
  return shrinks ? 4.0 / 3 : 1;
}

SmallVector<int64_t> mlir::nanochat::shapeOfScales(ArrayRef<int64_t> codes, int64_t axis, int64_t block) {
  SmallVector<int64_t> shape(codes);
  shape[axis] /= block;
  return shape;
}

LogicalResult mlir::nanochat::checkAxis(std::optional<Location> loc, int64_t axis) {
  return axis == 0 || axis == 1 ? success()
                                : emitOptionalError(loc, "axis = ", axis, " is none of a matrix: it is 0 or 1");
}

LogicalResult QuantizeFp4Op::inferReturnTypes(MLIRContext *ctx, std::optional<Location> loc, Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  if (failed(checkAxis(loc, adaptor.getAxis())))
    return failure();
  RankedTensorType x = typeOf(adaptor.getX());
  const Fp4Facts &facts = factsOf(adaptor.getFormat());
  Builder b(ctx);
  int64_t axis = adaptor.getAxis(), length = x.getDimSize(axis), others = x.getDimSize(1 - axis);
  SmallVector<int64_t> codes(x.getShape()), scales = shapeOfScales(codes, axis, facts.block);
  if (adaptor.getPacked())
    codes = {others, length / 2}, scales = {others, length / facts.block};
  else if (adaptor.getPanels())
    codes = {others / kPanelRows, length / kWord, kPanelRows, kWord};
  types.push_back(RankedTensorType::get(codes, b.getI8Type()));
  types.push_back(RankedTensorType::get(scales, factsOf(facts.scale).storage(b)));
  return success();
}

LogicalResult QuantizeFp4Op::verify() {
  int64_t block = blockOf(*this), length = getX().getType().getDimSize(getAxis());
  if (length % block) // quantize_fp4-c1
    return emitOpError("has ") << length << " numbers along axis " << getAxis() << ", which blocks of " << block
                               << " do not divide";
  if (bool wants = getFormat() == Fp4Format::nvfp4; wants != bool(getTensorScale())) // quantize_fp4-c2
    return emitOpError(wants ? "needs the scale of its tensor, `tensor_scale`"
                             : "has the scale of a tensor, which is nvfp4's alone");
  if (getFormat() == Fp4Format::nvfp4 && getScale() != Fp4Scale::floor) // quantize_fp4-c3
    return emitOpError("rounds scales up, which are powers of two in mxfp4 alone");
  if (getPanels() && (getPacked() || getAxis() != 0 || getX().getType().getDimSize(1) % kPanelRows)) // quantize_fp4-c6
    return emitOpError("makes panels, which are of rows, of 16 columns each, and not packed");
  if (getRun() && (getAxis() != 0 || getFormat() != Fp4Format::mxfp4)) // quantize_fp4-c4
    return emitOpError("transforms rows, which only mxfp4 does as it is quantised, along axis 0");
  return getRun() ? verifyRuns(*this, getRun(), getX().getType().getDimSize(0)) : success(); // quantize_fp4-c5
}

DispatchClass QuantizeFp4Op::getDispatchClass() { return DispatchClass::rowwise; }

SmallVector<IteratorType> QuantizeFp4Op::getLoopIteratorTypes() {
  SmallVector<IteratorType> loops(2, IteratorType::parallel);
  loops[getAxis()] = IteratorType::reduction;
  return loops;
}

AffineMap mlir::nanochat::blockMap(MLIRContext *ctx, int64_t axis, int64_t block) {
  SmallVector<AffineExpr> at{getAffineDimExpr(0, ctx), getAffineDimExpr(1, ctx)};
  at[axis] = at[axis].floorDiv(block);
  return AffineMap::get(2, 0, at, ctx);
}

/// The same with what lies along the axis behind the other: rows of packed codes.
static AffineMap rowMap(MLIRContext *ctx, int64_t axis, int64_t block) {
  return AffineMap::get(2, 0, {getAffineDimExpr(1 - axis, ctx), getAffineDimExpr(axis, ctx).floorDiv(block)}, ctx);
}

SmallVector<AffineMap> QuantizeFp4Op::getIndexingMaps() {
  AffineMap full = projection(getContext(), 2, {0, 1});
  SmallVector<AffineMap> maps{full};
  if (getTensorScale())
    maps.push_back(projection(getContext(), 2, {}));
  if (getDraws())
    maps.push_back(AffineMap::get(2, 0, getAffineConstantExpr(0, getContext())));
  auto mapOf = getPacked() ? rowMap : blockMap;
  maps.push_back(getPanels() ? panelMap(getContext(), 2, 1, 0) : mapOf(getContext(), getAxis(), getPacked() ? 2 : 1));
  maps.push_back(mapOf(getContext(), getAxis(), blockOf(*this)));
  return maps;
}

SmallVector<Value> QuantizeFp4Op::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType type = getX().getType();
  int64_t axis = getAxis(), block = blockOf(*this);
  MLIRContext *ctx = getContext();
  Value x = getRun() ? transform(b, getX(), getRun()) : Value(getX());
  RankedTensorType ofScales =
      withShape(getScales().getType(), shapeOfScales(type.getShape(), axis, block)); // before they are packed
  SmallVector<ReassociationIndices> groups{{0}, {1, 2}};
  SmallVector<int64_t> shape{type.getDimSize(0), type.getDimSize(1) / block, block};
  if (axis == 0)
    groups = {{0, 1}, {2}}, shape = {type.getDimSize(0) / block, block, type.getDimSize(1)};
  Value split = tensor::ExpandShapeOp::create(b, withShape(type, shape), x, groups);
  Value largest = reduce(b, withShape(type, ofScales.getShape()), 3, {0, axis ? 1u : 2u}, 0.0, split,
                         b.getMultiDimIdentityMap(3), largerMagnitude);
  SmallVector<Value> tensor;
  if (getTensorScale())
    tensor.push_back(getTensorScale());
  auto with = [&](ValueRange values, ArrayRef<AffineMap> maps, RankedTensorType result, auto body) {
    SmallVector<Value> ins(values);
    SmallVector<AffineMap> all(maps);
    llvm::append_range(ins, tensor);
    all.append(tensor.size(), projection(getContext(), 2, {}));
    return pointwise(b, result, ins, all, body);
  };
  auto last = [&](ValueRange v) { return tensor.empty() ? Value() : v.back(); };
  AffineMap full = b.getMultiDimIdentityMap(2);
  Value scales = with(largest, full, ofScales,
                      [&](ImplicitLocOpBuilder &s, ValueRange v) { return blockScale(s, *this, v[0], last(v)); });
  Value codes = with({x, scales}, {full, blockMap(ctx, axis, block)}, withElement(type, b.getI8Type()),
                     [&](ImplicitLocOpBuilder &s, ValueRange v) {
                       Value inverse = inverseScale(s, *this, v[1], last(v), v[0].getType());
                       return fp4Code(s, mul(s, v[0], inverse),
                                      getDraws() ? randomHalfAt(s, getDraws(), axis, type.getDimSize(1)) : Value());
                     });
  if (getPanels()) {
    auto d = [&](unsigned i) { return getAffineDimExpr(i, ctx); };
    AffineMap from = AffineMap::get(4, 0, {d(1) * kWord + d(3), d(0) * kPanelRows + d(2)}, ctx);
    codes = pointwise(b, typeOf(getCodes()), codes, from,
                      [](ImplicitLocOpBuilder &s, ValueRange v) { return encode(s, Format::offset, v[0]); });
  }
  if (!getPacked())
    return {codes, scales};
  if (axis == 0)
    scales = pointwise(b, getScales().getType(), scales, projection(ctx, 2, {1, 0}),
                       [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; });
  return {PackFp4Op::create(b, codes, axis), scales};
}
