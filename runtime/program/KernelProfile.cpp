#include "runtime/program/KernelProfile.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Program.h"
#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace nc {

void KernelProfile::after(const KernelCall &call) {
  double seconds = call.seconds;
  if (seconds < 0)
    seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  auto found = times.find(std::string_view(call.kernel.name));
  if (found == times.end())
    found = times.emplace(call.kernel.name, Time()).first;
  found->second.seconds += seconds;
  ++found->second.calls;
  found->second.kernel = &call.kernel;
  found->second.source = call.source;
}

static int64_t operandBytes(const nc_kernel_info &kernel) {
  int64_t bytes = 0;
  for (int32_t i = 0; i < kernel.n_operands; ++i) {
    const nc_operand &operand = kernel.operands[i];
    bytes += elementCount(operand) * dtypeBytes(operand.dtype);
  }
  return bytes;
}

std::string KernelProfile::json() const {
  auto rows = nlohmann::ordered_json::array();
  for (const auto &[name, time] : times)
    rows.push_back({{"kernel", name}, {"calls", time.calls}, {"seconds", time.seconds}});
  return rows.dump(1) + "\n";
}

std::string KernelProfile::table() const {
  std::vector<std::pair<std::string, Time>> rows(times.begin(), times.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto &x, const auto &y) { return x.second.seconds > y.second.seconds; });
  double all = 0;
  for (const auto &row : rows)
    all += row.second.seconds;
  std::string text = format("%7s %10s %8s %8s %7s %-6s %s\n", "share", "ms", "calls", "Gop/s", "GB/s", "of",
                            "kernel: what it computes");
  constexpr double kLeast = 1e-3; // of a share
  double others = 0;
  for (const auto &[name, time] : rows) {
    if (time.seconds < kLeast * all) {
      others += time.seconds;
      continue;
    }
    double perSecond = 1e-9 * double(time.calls) / time.seconds;
    text += format("%6.2f%% %10.2f %8lld %8.1f %7.1f %-6s %s: %.120s\n", 100 * time.seconds / all, 1e3 * time.seconds,
                   wide(time.calls), perSecond * double(time.kernel->flops),
                   perSecond * double(operandBytes(*time.kernel)), time.kernel->arithmetic, name.c_str(), time.source);
  }
  return text + format("%6.2f%% %10.2f %8s %8s %7s %-6s others\n", 100 * others / all, 1e3 * others, "", "", "", "");
}

} // namespace nc
