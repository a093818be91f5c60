// SPDX-License-Identifier: Apache-2.0
#include "runtime/program/CpuFeatures.h"

#include <sstream>

namespace nc {

/// The compiler's builtin takes nothing but literals.
static bool hasFeature(const std::string &name) {
#if defined(__x86_64__)
#define NC_FEATURE(feature)                                                                                            \
  if (name == feature)                                                                                                 \
    return __builtin_cpu_supports(feature);
  NC_FEATURE("avx2")
  NC_FEATURE("fma")
  NC_FEATURE("bmi")
  NC_FEATURE("bmi2")
  NC_FEATURE("f16c")
  NC_FEATURE("movbe")
  NC_FEATURE("gfni")
  NC_FEATURE("vaes")
  NC_FEATURE("vpclmulqdq")
  NC_FEATURE("avxvnni")
  NC_FEATURE("avx512f")
  NC_FEATURE("avx512bw")
  NC_FEATURE("avx512dq")
  NC_FEATURE("avx512vl")
  NC_FEATURE("avx512cd")
  NC_FEATURE("avx512ifma")
  NC_FEATURE("avx512vbmi")
  NC_FEATURE("avx512vbmi2")
  NC_FEATURE("avx512vnni")
  NC_FEATURE("avx512bitalg")
  NC_FEATURE("avx512vpopcntdq")
  NC_FEATURE("avx512bf16")
  NC_FEATURE("avx512fp16")
#undef NC_FEATURE
#endif
  return true;
}

std::string missingFeatures(const std::string &required) {
  std::string missing;
  std::istringstream names(required);
  for (std::string name; std::getline(names, name, ',');)
    if (!hasFeature(name))
      missing += (missing.empty() ? "" : ", ") + name;
  return missing;
}

} // namespace nc
