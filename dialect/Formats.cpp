#include "dialect/Formats.h"
#include "dialect/DynamicCodes.h"
#include "dialect/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::nanochat;

//===--- Floats ------------------------------------------------------------------------------===//

Value mlir::nanochat::convertFloat(ImplicitLocOpBuilder &b, Value number, Type type) {
  auto bits = [](Type of) { return getElementTypeOrSelf(of).getIntOrFloatBitWidth(); };
  if (number.getType() == type)
    return number;
  if (bits(number.getType()) < bits(type))
    return arith::ExtFOp::create(b, type, number);
  // Code generators have no way from f64 to less than f32 but a function of the compiler's library.
  if (bits(number.getType()) == 64 && bits(type) < 32)
    number = arith::TruncFOp::create(b, withElementOf(type, b.getF32Type()), number);
  return arith::TruncFOp::create(b, type, number);
}

//===--- Integers ----------------------------------------------------------------------------===//

static bool isFloat(Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); }

static Value toInteger(ImplicitLocOpBuilder &b, Value number, Type storage) {
  if (isFloat(number.getType()))
    return arith::FPToSIOp::create(b, storage, math::RoundEvenOp::create(b, number));
  return number.getType() == storage ? number : Value(arith::TruncIOp::create(b, storage, number));
}

static Value fromInteger(ImplicitLocOpBuilder &b, Value element, Type type) {
  if (isFloat(type))
    return arith::SIToFPOp::create(b, type, element);
  return element.getType() == type ? element : Value(arith::ExtSIOp::create(b, type, element));
}

/// Bytes without sign, one more than the number.
static Value toPanels(ImplicitLocOpBuilder &b, Value number, Type storage) {
  return arith::AddIOp::create(b, toInteger(b, number, storage), constant(b, storage, 1));
}

static Value fromPanels(ImplicitLocOpBuilder &b, Value element, Type type) {
  Type whole = isFloat(type) ? withElementOf(type, b.getI32Type()) : type;
  Value code = arith::ExtUIOp::create(b, whole, element);
  code = arith::SubIOp::create(b, code, constant(b, whole, 1));
  return whole == type ? code : Value(arith::SIToFPOp::create(b, type, code));
}

static Value toOffset(ImplicitLocOpBuilder &b, Value number, Type storage) {
  return arith::XOrIOp::create(b, toInteger(b, number, storage), constant(b, storage, -128));
}

static Value fromOffset(ImplicitLocOpBuilder &b, Value element, Type type) {
  return fromInteger(b, arith::XOrIOp::create(b, element, constant(b, element.getType(), -128)), type);
}

/// Powers of two as E8M0, the exponent of an f32; 0 for what is smaller than all.
static Value toPowerOfTwo(ImplicitLocOpBuilder &b, Value number, Type storage) {
  Type word = withElementOf(storage, b.getI32Type());
  Value bits = arith::BitcastOp::create(b, word, convertFloat(b, number, withElementOf(storage, b.getF32Type())));
  return arith::TruncIOp::create(b, storage, arith::ShRUIOp::create(b, bits, constant(b, word, 23)));
}

static Value fromPowerOfTwo(ImplicitLocOpBuilder &b, Value element, Type type) {
  Type word = withElementOf(type, b.getI32Type());
  Value byte = arith::ExtUIOp::create(b, word, element), none = constant(b, word, 255);
  Value bits = arith::ShLIOp::create(b, byte, constant(b, word, 23));
  Value isNone = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, byte, none);
  bits = arith::SelectOp::create(b, isNone, constant(b, word, 0x7FC00000), bits);
  return convertFloat(b, arith::BitcastOp::create(b, withElementOf(type, b.getF32Type()), bits), type);
}

//===--- The table ---------------------------------------------------------------------------===//

template <typename Float> static Type floats(Builder &b) { return b.getType<Float>(); }
template <unsigned bits> static Type integers(Builder &b) { return b.getIntegerType(bits); }

static constexpr FormatFacts kFormats[] = {
    {Format::f64, 64, floats<Float64Type>, 0, convertFloat, convertFloat, Format::f32},
    {Format::f32, 32, floats<Float32Type>, 0, convertFloat, convertFloat, Format::f32, "tf32", /*ptx=*/0,
     /*isDense=*/true},
    {Format::bf16, 16, floats<BFloat16Type>, 0, convertFloat, convertFloat, Format::bf16, "bf16", /*ptx=*/0,
     /*isDense=*/true},
    {Format::e4m3, 8, floats<Float8E4M3FNType>, 448, convertFloat, convertFloat, Format::e4m3, "e4m3", /*ptx=*/84},
    {Format::int16, 16, integers<16>, 32767, toInteger, fromInteger, Format::int16},
    {Format::int8, 8, integers<8>, 127, toInteger, fromInteger, Format::int8, "s8"},
    {Format::panels, 8, integers<8>, 0, toPanels, fromPanels, Format::int8},
    {Format::offset, 8, integers<8>, 0, toOffset, fromOffset, Format::int8},
    {Format::e8m0, 8, integers<8>, 0, toPowerOfTwo, fromPowerOfTwo, Format::f32},
    {Format::e2m1, 8, integers<8>, 0, nullptr, nullptr, Format::e2m1, "e2m1", /*ptx=*/87},
    {Format::dynamic, 8, integers<8>, 1, encodeDynamic, decodeDynamic, Format::f32},
    {Format::dynamic_unsigned, 8, integers<8>, 1, encodeDynamicUnsigned, decodeDynamicUnsigned, Format::f32},
};

static std::optional<Format> find(llvm::function_ref<bool(const FormatFacts &)> holds) {
  auto *row = llvm::find_if(kFormats, holds);
  return row == std::end(kFormats) ? std::nullopt : std::optional(row->format);
}

const FormatFacts &mlir::nanochat::factsOf(Format format) {
  return *llvm::find_if(kFormats, [&](auto &row) { return row.format == format; });
}

std::optional<Format> mlir::nanochat::formatOf(Type type) {
  Builder b(type.getContext()); // int8 is the first of those in bytes
  return find([&](const FormatFacts &row) { return row.storage(b) == type; });
}

std::optional<Format> mlir::nanochat::formatOfMma(StringRef name) {
  return find([&](const FormatFacts &row) { return !name.empty() && row.mma == name; });
}

bool mlir::nanochat::isNarrowFloat(Format format) {
  const FormatFacts &row = factsOf(format);
  return row.decode == convertFloat && row.bits < 32;
}

static SmallVector<Format> formatsThat(llvm::function_ref<bool(const FormatFacts &)> hold) {
  return llvm::map_to_vector(llvm::make_filter_range(kFormats, hold), [](auto &row) { return row.format; });
}
SmallVector<Format> mlir::nanochat::denseFormats() {
  return formatsThat([](auto &row) { return row.isDense; });
}
SmallVector<Format> mlir::nanochat::blockFormats() {
  return formatsThat([](auto &row) { return row.largest > 0; });
}

std::string mlir::nanochat::listFormats(ArrayRef<Format> formats) {
  std::string names;
  for (auto [i, format] : llvm::enumerate(formats))
    names += (!i ? "" : i + 1 < formats.size() ? ", " : " or ") + stringifyFormat(format).str();
  return names;
}

//===--- The interface -----------------------------------------------------------------------===//

Value mlir::nanochat::encode(ImplicitLocOpBuilder &b, Format format, Value number) {
  const FormatFacts &row = factsOf(format);
  return row.encode(b, number, withElementOf(number.getType(), row.storage(b)));
}

Value mlir::nanochat::decode(ImplicitLocOpBuilder &b, Format format, Value element, Type type) {
  return factsOf(format).decode(b, element, type);
}

std::optional<Coded> mlir::nanochat::matchDecoded(Value number) {
  if (auto minus = number.getDefiningOp<arith::SubIOp>(); minus && matchPattern(minus.getRhs(), m_One()))
    if (auto code = minus.getLhs().getDefiningOp<arith::ExtUIOp>(); code && code.getIn().getType().isInteger(8))
      return Coded{code.getIn(), Format::panels};
  Operation *op = number.getDefiningOp();
  bool isWidened = isa_and_nonnull<arith::ExtFOp, arith::ExtSIOp>(op);
  Value element = isWidened ? op->getOperand(0) : number;
  std::optional<Format> format = formatOf(getElementTypeOrSelf(element));
  // f32 and f64 are what sums are of; all else is widened to one.
  bool isWhole = format && !factsOf(*format).isDecoded();
  return format && isWhole != isWidened ? std::optional(Coded{element, *format}) : std::nullopt;
}
