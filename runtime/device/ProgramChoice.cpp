#include "runtime/device/ProgramChoice.h"
#include "runtime/device/CudaDevice.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Numbers.h"
#include "runtime/program/CpuFeatures.h"
#include <cstdlib>
#include <string_view>

namespace nc {

DeviceChoice parseDevice(const std::string &text) {
  DeviceChoice choice;
  if (text.empty() || text == "cpu") {
    choice.isCpu = !text.empty();
    return choice;
  }
  choice.isCuda = true;
  auto index = text == "cuda"                ? std::optional(0)
               : text.rfind("cuda:", 0) == 0 ? parseInteger<int>(std::string_view(text).substr(5))
                                             : std::nullopt;
  if (!index || *index < 0)
    failInput("--device: found '" + text + "', expected cpu, cuda or cuda:NUMBER");
  choice.index = *index;
  return choice;
}

std::string findDeviceArgument(int argc, const char *const *argv) {
  constexpr std::string_view kName = "--device";
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (argument == kName && i + 1 < argc)
      return argv[i + 1];
    if (argument.substr(0, kName.size() + 1) == "--device=")
      return std::string(argument.substr(kName.size() + 1));
  }
  return "";
}

bool runsKernels(int argc, const char *const *argv) {
  bool runs = false, asksForHelp = false;
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    for (std::string_view command : {"train", "eval", "score", "generate", "grad"})
      runs |= i == 1 && argument == command;
    asksForHelp |= argument == "--help" || argument == "-h";
  }
  return runs && !asksForHelp;
}

/// What the machine lacks to run the program, on the GPU of a number; empty if nothing.
static std::string missingFor(const nc_program &program, int index = 0) {
  if (program.device[0])
    return missingForDevice(program, index);
  std::string features = missingFeatures(program.cpu_features);
  return features.empty() ? "" : "this processor lacks " + features;
}

/// Is the first for an older GPU than the second?
static bool isOlder(const nc_program &first, const nc_program &second) {
  return atoi(first.device + 3) < atoi(second.device + 3); // "sm_90"
}

/// Whether --device or the variable NANOCHAT_TARGET, which may be null, leave a program out.
static bool isExcluded(const nc_program &program, const DeviceChoice &device, const char *wanted) {
  bool isGpu = program.device[0] != '\0';
  return (isGpu && device.isCpu) || (!isGpu && device.isCuda) ||
         (program.only_on_request && !device.isCpu && !wanted) || (wanted && wanted != std::string(program.target));
}

static std::string compileAdvice(const std::string &model, bool hasGpu) {
  return "compile the model for this machine: nanochat-opt " + model +
         ".mlir --target=" + (hasGpu ? "sm_89,x86-64-v3" : "avx512-vnni,x86-64-v3") + " --emit=exe -o " + model +
         " makes a program that chooses";
}

const nc_program &chooseProgram(const nc_program *const *programs, const DeviceChoice &device) {
  const char *wanted = getenv("NANOCHAT_TARGET");
  std::string targets, lacks, model;
  bool hasCpu = false, hasGpu = false;
  const nc_program *best = nullptr, *first = nullptr;
  for (const nc_program *const *at = programs; *at; ++at) {
    const nc_program &program = **at;
    bool isGpu = program.device[0] != '\0';
    (isGpu ? hasGpu : hasCpu) = true;
    targets += (targets.empty() ? "" : ", ") + std::string(program.target);
    model = program.model ? program.model : "MODEL";
    if (isExcluded(program, device, wanted))
      continue;
    first = first ? first : &program;
    std::string missing = missingFor(program, device.index);
    // What an older chip's code runs on may have code of its own further on.
    if (missing.empty() && (!best || (isGpu && best->device[0] && isOlder(*best, program))))
      best = &program;
    if (missing.empty())
      continue;
    lacks += format("%s%s cannot run: %s", lacks.empty() ? "" : "; ", program.target, missing.c_str());
  }
  if (!device.isToRun && !best && (first || !wanted || device.isAnyGood))
    best = first ? first : programs[0];
  if (best)
    return *best;
  if (lacks.empty() && wanted)
    failInput(format("NANOCHAT_TARGET is '%s', for which this program has no code", wanted),
              "it has code for " + targets);
  if (lacks.empty())
    failInput(std::string("this program has no code for ") + (device.isCpu ? "a processor" : "an NVIDIA GPU"),
              "it has code for " + targets);
  std::string compile = compileAdvice(model, hasGpu);
  failInput("this machine cannot run the program: " + lacks,
            hasGpu && hasCpu && !device.isCpu ? "--device=cpu runs it on the processor; or " + compile : compile);
}

std::string whyNotHere(const nc_program &program, const nc_program *const *programs) {
  std::string missing = missingFor(program), other;
  if (missing.empty())
    return "";
  for (const nc_program *const *at = programs; *at && other.empty(); ++at)
    if (!(*at)->device[0] && missingFor(**at).empty())
      other = format("; %s runs with --device=cpu", (*at)->target);
  return ", which does not run here: " + missing + other;
}

} // namespace nc
