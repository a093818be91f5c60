// Instruction sets: what a program needs against what this processor has.
//
#pragma once

#include <string>

namespace nc {

/// Those of `required` (comma list of LLVM's names, such as "avx2,fma") that this processor lacks,
/// as a list for messages; empty if it can run them. Names unknown here count as present.
std::string missingFeatures(const std::string &required);

} // namespace nc
