#include "runtime/files/Numbers.h"
#include "runtime/files/Errors.h"
#include <cmath>

namespace nc {

std::optional<double> parseNumber(std::string_view text) {
  double value = 0;
  const char *end = text.data() + text.size();
  auto [stop, problem] = std::from_chars(text.data(), end, value);
  bool isNumber = problem == std::errc() && stop == end && std::isfinite(value);
  return isNumber ? std::optional(value) : std::nullopt;
}

std::string rangeText(double low, double high) {
  if (!std::isinf(high))
    return "from " + shortest(low) + " to " + shortest(high);
  return std::isinf(low) ? "" : "of at least " + shortest(low);
}

} // namespace nc
