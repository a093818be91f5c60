#include "runtime/report/JsonLine.h"
#include "runtime/files/Errors.h"
#include "runtime/report/Escape.h"
#include <cmath>

namespace nc {

static std::string numberText(double value, int digits) {
  return std::isfinite(value) ? format("%.*g", digits, value) : "null";
}

void JsonLine::addRaw(const std::string &key, const std::string &value) {
  members += (members.empty() ? "" : ", ") + quoteJson(key) + ": " + value;
}

void JsonLine::addText(const std::string &key, const std::string &text) { addRaw(key, quoteJson(text)); }

void JsonLine::add(const std::string &key, double value, int digits) {
  addRaw(key, numberText(value, digits));
  if (std::isfinite(value))
    values.emplace_back(key, value);
}

void JsonLine::add(const std::string &key, int64_t value) {
  addRaw(key, std::to_string(value));
  values.emplace_back(key, double(value));
}

void JsonLine::add(const std::string &key, const std::optional<double> &value) {
  if (value)
    add(key, *value);
}

void JsonLine::add(const std::string &key, const std::vector<double> &list) {
  if (list.empty())
    return;
  std::string text;
  for (size_t i = 0; i < list.size(); ++i) {
    text += (i ? ", " : "") + numberText(list[i], 9);
    if (std::isfinite(list[i]))
      values.emplace_back(key + "/" + std::to_string(i + 1), list[i]);
  }
  addRaw(key, "[" + text + "]");
}

} // namespace nc
