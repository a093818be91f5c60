#include "runtime/files/Names.h"

#include <algorithm>
#include <numeric>

namespace nc {

/// Levenshtein distance.
static size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = i;
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::optional<size_t> findNearest(std::string_view name, const std::vector<std::string_view> &names, size_t most) {
  auto last = [](std::string_view path) { return path.substr(path.rfind('.') + 1); };
  std::optional<size_t> nearest;
  for (size_t i = 0; i < names.size(); ++i) {
    size_t edits = std::min(distance(name, names[i]), distance(last(name), last(names[i])) + 1);
    if (nearest ? edits < most : edits <= most)
      nearest = i, most = edits;
  }
  return nearest;
}

} // namespace nc
