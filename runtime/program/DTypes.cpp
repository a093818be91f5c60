#include "runtime/program/DTypes.h"

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

} // namespace nc
