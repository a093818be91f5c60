// Numbers as people write them, in options, configurations and files: decimal, in whatever locale.
//
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace nc {

/// The integer that is all of `text`. Nothing where that is another thing or out of the type's
/// range; blanks, plus signs, exponents and hexadecimals are other things.
template <typename Integer> std::optional<Integer> parseInteger(std::string_view text) {
  Integer value = 0;
  const char *end = text.data() + text.size();
  auto [stop, problem] = std::from_chars(text.data(), end, value);
  return problem == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

/// The finite number that is all of `text`, as 0.5 or -1e-3; else nothing.
std::optional<double> parseNumber(std::string_view text);

/// Steps are counted this far: they go through doubles.
constexpr int64_t kMostSteps = int64_t(1) << 53;

/// "of at least 1" or "from 0 to 1", of a range whose ends may be infinite; "" if both are.
std::string rangeText(double low, double high);

} // namespace nc
