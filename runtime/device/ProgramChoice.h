// Which of an executable's programs this machine runs, and where.
//
#pragma once

#include "runtime/Abi.h"
#include <string>

namespace nc {

/// What --device says: "cpu", "cuda" or "cuda:1".
struct DeviceChoice {
  bool isCpu = false, isCuda = false; // neither: whatever can run
  int index = 0;
  bool isToRun = true;    // else what is chosen need not run here
  bool isAnyGood = false; // also where NANOCHAT_TARGET names none: what looks at the machine never fails
};

/// Fails (exit 2) on anything else; empty is no choice.
DeviceChoice parseDevice(const std::string &text);
/// The value of --device among the arguments of a program, or "".
std::string findDeviceArgument(int argc, const char *const *argv);

/// Whether the arguments ask for a program's kernels to run, rather than for help or a description.
bool runsKernels(int argc, const char *const *argv);

/// The first of the null-terminated `programs` that this machine can run, best ones being first;
/// where the variable NANOCHAT_TARGET is set, the one for that target. Fails (exit 2) if there is
/// none, with what is missing and how to compile.
const nc_program &chooseProgram(const nc_program *const *programs, const DeviceChoice &device = {});

/// "" of a program that runs here; else ", which does not run here: REASON" and, if there is one,
/// which of `programs` runs on the processor.
std::string whyNotHere(const nc_program &program, const nc_program *const *programs);

} // namespace nc
