// Instruction sets: what a program needs against what this processor has.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_CPUFEATURES_H
#define NANOCHAT_RUNTIME_CPUFEATURES_H

#include "runtime/Abi.h"

#include <string>

namespace nc {

/// Those of `required` (comma list of LLVM's names, such as "avx2,fma") that this processor lacks,
/// as a list for messages; empty if it can run them. Names unknown here count as present.
std::string missingFeatures(const std::string &required);

/// The first of the null-terminated `programs` that this processor can run, best ones being first;
/// where the variable NANOCHAT_TARGET is set, the one for that target. Fails (exit 2) if there is
/// none, with what is missing and how to compile.
const nc_program &chooseProgram(const nc_program *const *programs);

} // namespace nc
#endif // NANOCHAT_RUNTIME_CPUFEATURES_H
