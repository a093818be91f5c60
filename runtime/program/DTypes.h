// Element types of tensors: everything that differs between them, from the one table in Abi.h.
//
#pragma once

#include "runtime/Abi.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace nc {

/// A float that C++ has no type for, in its own bits: a sign, an exponent, and `mantissa` bits; denormal numbers as
/// IEEE 754 has them. Converted as C++'s floats are, to the nearest, ties to even. Without infinities, what is too
/// large becomes NaN.
template <typename Bits, int kMantissa, bool hasInfinity> struct SmallFloat {
  Bits bits = 0;
  SmallFloat() = default;
  explicit SmallFloat(double value);
  explicit operator double() const;

  static constexpr int kSign = 8 * sizeof(Bits) - 1, kExponent = kSign - kMantissa, kLeast = 2 - (1 << (kExponent - 1));
  static constexpr Bits kMagnitude = Bits((1 << kSign) - 1);
  /// Bits that are all set in what is not finite, and in nothing else.
  static constexpr Bits kNonFinite = hasInfinity ? Bits(kMagnitude >> kMantissa << kMantissa) : kMagnitude;
};
using Bf16 = SmallFloat<uint16_t, 7, true>;
using E4m3 = SmallFloat<uint8_t, 3, false>;

template <typename Bits, int kMantissa, bool hasInfinity>
SmallFloat<Bits, kMantissa, hasInfinity>::SmallFloat(double value) {
  uint64_t magnitude = kMagnitude; // NaN
  if (std::isinf(value)) {
    magnitude = kNonFinite;
  } else if (!std::isnan(value)) {
    int exponent = kLeast + 1;
    if (value != 0)
      std::frexp(value, &exponent); // value = [0.5, 1) times 2^exponent
    // In units of its last bit, where exponents count from the least on and carries go into them.
    int unit = std::max(exponent - 1, kLeast);
    auto whole = uint64_t(std::nearbyint(std::ldexp(std::fabs(value), kMantissa - unit)));
    magnitude = std::min(whole + (uint64_t(unit - kLeast) << kMantissa), uint64_t(kNonFinite));
  }
  bits = Bits(magnitude | uint64_t(std::signbit(value)) << kSign);
}

template <typename Bits, int kMantissa, bool hasInfinity>
SmallFloat<Bits, kMantissa, hasInfinity>::operator double() const {
  int magnitude = bits & kMagnitude, exponent = magnitude >> kMantissa, mantissa = magnitude & ((1 << kMantissa) - 1);
  double value = magnitude > kNonFinite || (magnitude == kNonFinite && !hasInfinity)
                     ? std::numeric_limits<double>::quiet_NaN()
                 : magnitude == kNonFinite ? std::numeric_limits<double>::infinity()
                 : exponent == 0           ? std::ldexp(mantissa, kLeast - kMantissa)
                                           : std::ldexp((1 << kMantissa) + mantissa, exponent - 1 + kLeast - kMantissa);
  return bits >> kSign ? -value : value;
}

/// "f32", as in IR.
const char *dtypeName(int32_t dtype);
/// "F32", as in safetensors files.
const char *storedName(int32_t dtype);
int64_t dtypeBytes(int32_t dtype);

/// The type of that name in IR, or in safetensors files.
std::optional<int32_t> dtypeOfName(std::string_view name);
std::optional<int32_t> dtypeOfStoredName(std::string_view name);
/// "F32, F64, ..." for messages.
std::string listStoredNames();

/// Calls `body` with a value of the C++ type that stores elements of `dtype`, one of the table.
template <typename Body> auto withStorage(int32_t dtype, Body &&body) {
  switch (dtype) {
#define NC_CASE(number, name, stored, storage)                                                                         \
  case number:                                                                                                         \
    return body(storage());
    NC_DTYPES(NC_CASE)
#undef NC_CASE
  }
  __builtin_unreachable();
}

} // namespace nc
