// One line of a log: a flat JSON object whose numbers keep enough digits to compare runs bit by
// bit.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_JSONLINE_H
#define NANOCHAT_RUNTIME_JSONLINE_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace nc {

class JsonLine {
public:
  /// Non-finite numbers become null: JSON has no other word for them.
  void add(const std::string &key, double value, int digits = 9);
  void add(const std::string &key, int64_t value);
  void add(const std::string &key, const std::optional<double> &value);
  /// Nothing if empty.
  void add(const std::string &key, const std::vector<double> &values);

  /// The object, with a newline.
  std::string text() const { return "{" + members + "}\n"; }

private:
  void addRaw(const std::string &key, const std::string &value);

  std::string members;
};

} // namespace nc
#endif // NANOCHAT_RUNTIME_JSONLINE_H
