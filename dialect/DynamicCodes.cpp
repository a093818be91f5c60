#include "dialect/DynamicCodes.h"
#include "dialect/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// The numbers of the map: decade i holds size(i) of them, the first at code first(i).
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
static Value encodeMagnitude(Scalars f, DynamicMap map, Value a) {
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
static Value decodeMagnitude(Scalars f, DynamicMap map, Value code) {
  Value value = f(0);
  for (int i = 0; i < DynamicMap::kDecades; ++i) {
    double start = map.value(i, -map.first(i)), slope = map.value(i, 1) - map.value(i, 0);
    value = f.largest(math::FmaOp::create(f.s, code, f(slope), f(start)), value);
  }
  return f.least(value, f(1));
}

static Value encodeBy(ImplicitLocOpBuilder &b, DynamicMap map, Value number, Type storage) {
  Scalars f{b, number.getType()};
  Value magnitude = map.isSigned ? Value(math::AbsFOp::create(b, number)) : number;
  Value code = encodeMagnitude(f, map, magnitude);
  // Only +1 has a code of its own.
  code = f.select(f.atLeast(number, map.topThreshold()), f(map.last()), code);
  if (map.isSigned)
    code = math::CopySignOp::create(b, code, number);
  return arith::TruncIOp::create(b, storage, arith::FPToSIOp::create(b, b.getI32Type(), code));
}

Value nanochat::encodeDynamic(ImplicitLocOpBuilder &b, Value number, Type storage) {
  return encodeBy(b, {/*isSigned=*/true}, number, storage);
}
Value nanochat::encodeDynamicUnsigned(ImplicitLocOpBuilder &b, Value number, Type storage) {
  return encodeBy(b, {/*isSigned=*/false}, number, storage);
}

Value nanochat::decodeDynamic(ImplicitLocOpBuilder &b, Value element, Type type) {
  Scalars f{b, type};
  DynamicMap map{/*isSigned=*/true};
  Value code = arith::SIToFPOp::create(b, type, arith::ExtSIOp::create(b, b.getI32Type(), element));
  // −128 is the code of +1.
  code = f.select(f.atLeast(code, -127), code, f(map.last()));
  return math::CopySignOp::create(b, decodeMagnitude(f, map, math::AbsFOp::create(b, code)), code);
}
Value nanochat::decodeDynamicUnsigned(ImplicitLocOpBuilder &b, Value element, Type type) {
  Value code = arith::SIToFPOp::create(b, type, arith::ExtUIOp::create(b, b.getI32Type(), element));
  return decodeMagnitude({b, type}, {/*isSigned=*/false}, code);
}
