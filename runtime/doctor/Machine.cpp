#include "runtime/doctor/Finding.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Numbers.h"
#include "runtime/program/Arenas.h"
#include "runtime/program/Processors.h"
#include "runtime/program/Program.h"
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace nc {

/// The value of the first line "key : value" of a file, or nothing.
static std::string lookUp(const std::string &path, const std::string &key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    size_t colon = line.find(':');
    if (colon == std::string::npos || line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1) != key)
      continue;
    size_t first = line.find_first_not_of(" \t", colon + 1);
    return first == std::string::npos ? "" : line.substr(first);
  }
  return "";
}

static Finding examineProcessor(const std::string &root) {
  std::string model = lookUp(root + "/proc/cpuinfo", "model name");
  size_t processors = allowedProcessors().size();
  double quota = processorQuota(root);
  int threads = availableProcessors(root);
  std::string value = (model.empty() ? "unknown" : model) + format(", %zu processors for this process", processors);
  if (quota < double(processors))
    value += format(", of which a quota allows %.3g", quota);
  return {"cpu", !model.empty(), value,
          format("%d thread%s the default of --threads", threads, threads == 1 ? " is" : "s are")};
}

static Finding examineVectors(const std::string &root) {
  std::set<std::string> flags, found, missing;
  std::istringstream words(lookUp(root + "/proc/cpuinfo", "flags"));
  for (std::string word; words >> word;)
    flags.insert(word);
  for (const char *least : {"avx2", "fma", "bmi2", "f16c"})
    (flags.count(least) ? found : missing).insert(least);
  for (const char *more : {"avx_vnni", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd", "avx512_vnni",
                           "avx512_vbmi2", "avx512_bf16", "amx_tile", "amx_int8"})
    if (flags.count(more))
      found.insert(more);
  return {"vectors", missing.empty(), join(found),
          missing.empty() ? "vector instructions that decide the target row"
                          : "compiled programs need " + join(missing) + " and do not run here"};
}

static Finding examineMemory(const std::string &root) {
  auto bytes = [&](const char *key) -> int64_t { // "16777216 kB"
    std::string text = lookUp(root + "/proc/meminfo", key);
    auto kib = parseInteger<int64_t>(text.substr(0, text.find(' '))).value_or(0);
    return std::clamp<int64_t>(kib, 0, INT64_MAX / 1024) * 1024;
  };
  int64_t total = bytes("MemTotal"), available = bytes("MemAvailable");
  return {"memory", total > 0, bytesText(total) + ", " + bytesText(available) + " available",
          "'info' of a program, or --plan of the compiler, says what it takes"};
}

static Finding examineDisk() {
  std::error_code error;
  std::filesystem::space_info space = std::filesystem::space(".", error);
  return {"disk", !error, error ? error.message() : bytesText(int64_t(space.available)) + " free in this folder",
          "a checkpoint takes the parameters and their optimizer states"};
}

static Finding examineNodes(const std::string &root) {
  std::error_code error;
  int count = 0;
  for (const auto &entry : std::filesystem::directory_iterator(root + "/sys/devices/system/node", error)) {
    std::string name = entry.path().filename();
    count += name.size() > 4 && name.compare(0, 4, "node") == 0 && isdigit(name[4]);
  }
  if (count == 0)
    return {"numa", false, "", "/sys does not tell whether some memory is farther than other"};
  return {"numa", true, format("%d node%s", count, count == 1 ? "" : "s"),
          count > 1 ? "memory of another node is slower: try one node, with numactl "
                      "--cpunodebind=0 --membind=0"
                    : "all memory is equally near"};
}

std::vector<Finding> examineMachine(const std::string &root) {
  return {examineProcessor(root), examineVectors(root), examineMemory(root), examineDisk(), examineNodes(root)};
}

} // namespace nc
