// Element types of tensors: everything that differs between them, from the one table in Abi.h.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_PROGRAM_DTYPES_H
#define NANOCHAT_RUNTIME_PROGRAM_DTYPES_H

#include "runtime/Abi.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace nc {

/// Numbers that C++ has no type for, stored in their own bits; converted as its floats are, to the nearest, ties to
/// even.
struct Bf16 {
  uint16_t bits = 0;
  Bf16() = default;
  explicit Bf16(double value);
  explicit operator double() const;
};
/// Without infinities: what is too large becomes NaN.
struct E4m3 {
  uint8_t bits = 0;
  E4m3() = default;
  explicit E4m3(double value);
  explicit operator double() const;
};

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
#endif // NANOCHAT_RUNTIME_PROGRAM_DTYPES_H
