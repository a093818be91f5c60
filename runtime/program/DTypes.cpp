#include "runtime/program/DTypes.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

namespace nc {

namespace {
struct Row {
  const char *name, *stored;
};
#define NC_ROW(number, name, stored, storage) {name, stored},
constexpr Row kRows[] = {NC_DTYPES(NC_ROW)};
#undef NC_ROW

std::optional<int32_t> find(std::string_view name, const char *Row::*column) {
  for (int32_t dtype = 0; dtype < NC_DTYPE_COUNT; ++dtype)
    if (name == kRows[dtype].*column)
      return dtype;
  return std::nullopt;
}

/// |value| in the units of a float with `mantissa` bits behind the point and exponents from `least` on: the nearest
/// whole number, which the bits of the float are where the exponent is added above them.
int64_t roundToBits(double value, int mantissa, int least) {
  if (value == 0)
    return 0;
  int exponent;
  std::frexp(value, &exponent); // value = [0.5, 1) times 2^exponent
  int unit = std::max(exponent - 1, least);
  auto whole = int64_t(std::nearbyint(std::ldexp(std::fabs(value), mantissa - unit)));
  return whole + (int64_t(unit - least) << mantissa);
}
} // namespace

const char *dtypeName(int32_t dtype) { return kRows[dtype].name; }
const char *storedName(int32_t dtype) { return kRows[dtype].stored; }

int64_t dtypeBytes(int32_t dtype) {
  return withStorage(dtype, [](auto element) { return int64_t(sizeof(element)); });
}

std::optional<int32_t> dtypeOfName(std::string_view name) { return find(name, &Row::name); }
std::optional<int32_t> dtypeOfStoredName(std::string_view name) { return find(name, &Row::stored); }

std::string listStoredNames() {
  std::string all;
  for (const Row &row : kRows)
    all += (all.empty() ? "" : ", ") + std::string(row.stored);
  return all;
}

Bf16::Bf16(double value) {
  constexpr int64_t kInfinity = 0x7f80;
  int64_t magnitude = std::isnan(value)   ? kInfinity + 0x40
                      : std::isinf(value) ? kInfinity
                                          : std::min(roundToBits(value, 7, -126), kInfinity);
  bits = uint16_t(magnitude | (std::signbit(value) ? 0x8000 : 0));
}

Bf16::operator double() const {
  uint32_t word = uint32_t(bits) << 16;
  float number;
  std::memcpy(&number, &word, sizeof(number));
  return number;
}

E4m3::E4m3(double value) {
  constexpr int64_t kNan = 0x7f;
  int64_t magnitude = std::isfinite(value) ? std::min(roundToBits(value, 3, -6), kNan) : kNan;
  bits = uint8_t(magnitude | (std::signbit(value) ? 0x80 : 0));
}

E4m3::operator double() const {
  int exponent = (bits >> 3) & 15, mantissa = bits & 7;
  double magnitude = (bits & 0x7f) == 0x7f ? std::numeric_limits<double>::quiet_NaN()
                     : exponent == 0       ? std::ldexp(mantissa, -9)
                                           : std::ldexp(8 + mantissa, exponent - 10);
  return bits & 0x80 ? -magnitude : magnitude;
}

} // namespace nc
