// One line of a log: a flat JSON object whose numbers keep enough digits to compare runs bit by
// bit.
//
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nc {

class JsonLine {
public:
  /// Non-finite numbers become null: JSON has no other word for them.
  void add(const std::string &key, double value, int digits = 9);
  void add(const std::string &key, int64_t value);
  void add(const std::string &key, const std::optional<double> &value);
  /// Nothing if empty.
  void add(const std::string &key, const std::vector<double> &list);
  void addText(const std::string &key, const std::string &text);

  /// The object, with a newline.
  std::string text() const { return "{" + members + "}\n"; }
  /// Its finite numbers by key; those of lists as key/1, key/2 …
  const std::vector<std::pair<std::string, double>> &numbers() const { return values; }

private:
  void addRaw(const std::string &key, const std::string &value);

  std::string members;
  std::vector<std::pair<std::string, double>> values;
};

} // namespace nc
