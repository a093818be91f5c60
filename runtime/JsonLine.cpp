// SPDX-License-Identifier: Apache-2.0
#include "runtime/JsonLine.h"

#include "runtime/Errors.h"

#include <cmath>

namespace nc {

static std::string numberText(double value, int digits) {
  return std::isfinite(value) ? format("%.*g", digits, value) : "null";
}

/// Keys are names of tensors and our own words: no control characters.
static std::string quoted(const std::string &text) {
  std::string result = "\"";
  for (char letter : text) {
    if (letter == '"' || letter == '\\')
      result += '\\';
    result += letter;
  }
  return result + "\"";
}

void JsonLine::addRaw(const std::string &key, const std::string &value) {
  members += (members.empty() ? "" : ", ") + quoted(key) + ": " + value;
}

void JsonLine::add(const std::string &key, double value, int digits) {
  addRaw(key, numberText(value, digits));
}

void JsonLine::add(const std::string &key, int64_t value) { addRaw(key, std::to_string(value)); }

void JsonLine::add(const std::string &key, const std::optional<double> &value) {
  if (value)
    add(key, *value);
}

void JsonLine::add(const std::string &key, const std::vector<double> &values) {
  if (values.empty())
    return;
  std::string list;
  for (double value : values)
    list += (list.empty() ? "" : ", ") + numberText(value, 9);
  addRaw(key, "[" + list + "]");
}

} // namespace nc
