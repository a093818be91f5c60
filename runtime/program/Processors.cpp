#include "runtime/program/Processors.h"
#include "runtime/files/Numbers.h"
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <memory>
#include <pthread.h>
#include <sched.h>
#include <sstream>

namespace nc {

namespace {
/// A mask of processors, of which machines may have more than cpu_set_t has room for.
struct Mask {
  explicit Mask(int processors)
      : bytes(CPU_ALLOC_SIZE(processors)), set(CPU_ALLOC(processors), [](cpu_set_t *mask) { CPU_FREE(mask); }) {
    CPU_ZERO_S(bytes, set.get());
  }
  size_t bytes;
  std::unique_ptr<cpu_set_t, void (*)(cpu_set_t *)> set;
};
} // namespace

std::vector<int> allowedProcessors() {
  std::vector<int> allowed;
  // The kernel refuses masks with less room than it has processors.
  for (int most = CPU_SETSIZE; allowed.empty() && most <= CPU_SETSIZE * 1024; most *= 2) {
    Mask mask(most);
    if (sched_getaffinity(0, mask.bytes, mask.set.get()) == 0)
      for (int processor = 0; processor < most; ++processor)
        if (CPU_ISSET_S(processor, mask.bytes, mask.set.get()))
          allowed.push_back(processor);
  }
  return allowed.empty() ? std::vector<int>{0} : allowed;
}

void runOn(const std::vector<int> &processors) {
  Mask mask(*std::max_element(processors.begin(), processors.end()) + 1);
  for (int processor : processors)
    CPU_SET_S(processor, mask.bytes, mask.set.get());
  pthread_setaffinity_np(pthread_self(), mask.bytes, mask.set.get());
}

static std::vector<std::string> wordsIn(const std::string &text, char separator = ' ') {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; std::getline(stream, word, separator);)
    words.push_back(word);
  return words;
}

static std::string firstLine(const std::string &path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

static bool isIn(const std::string &list, const char *word) {
  std::vector<std::string> words = wordsIn(list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// What one group says: "50000 100000" in a file, or a number each in two; "max" or -1 is no limit.
static double quotaOf(const std::string &group, bool isVersion2) {
  std::vector<std::string> parts = wordsIn(firstLine(group + "/cpu.max"));
  if (!isVersion2)
    parts = {firstLine(group + "/cpu.cfs_quota_us"), firstLine(group + "/cpu.cfs_period_us")};
  parts.resize(2);
  double quota = parseNumber(parts[0]).value_or(-1), period = parseNumber(parts[1]).value_or(-1);
  return quota > 0 && period > 0 ? quota / period : INFINITY;
}

/// The path of this process's group in the hierarchy of a version, "" if it is in none.
static std::string groupOf(const std::string &root, bool isVersion2) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) { // "4:cpu,cpuacct:/group", "0::/group"
    size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == line.npos)
      continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    if (isVersion2 ? controllers.empty() : isIn(controllers, "cpu"))
      return line.substr(second + 1);
  }
  return "";
}

double processorQuota(const std::string &root) {
  double quota = INFINITY;
  std::ifstream mounts(root + "/proc/self/mountinfo");
  // "36 35 98:0 /top /where rw - cgroup source rw,cpu": the group /top of a hierarchy is at /where.
  for (std::string line; std::getline(mounts, line);) {
    size_t dash = line.find(" - ");
    if (dash == line.npos)
      continue;
    std::vector<std::string> place = wordsIn(line), kind = wordsIn(line.substr(dash + 3));
    bool isVersion2 = !kind.empty() && kind[0] == "cgroup2";
    bool isVersion1 = !kind.empty() && kind[0] == "cgroup" && isIn(kind.back(), "cpu");
    if (place.size() < 5 || !(isVersion1 || isVersion2))
      continue;
    std::string group = groupOf(root, isVersion2), top = place[3] == "/" ? "" : place[3];
    // A group that is not below what is mounted shows as the mounted one.
    group = group.rfind(top, 0) == 0 ? group.substr(top.size()) : "";
    for (;; group.erase(group.rfind('/'))) {
      quota = std::min(quota, quotaOf(root + place[4] + group, isVersion2));
      if (group.find('/') == group.npos)
        break;
    }
  }
  return quota;
}

int availableProcessors(const std::string &root) {
  double allowed = double(allowedProcessors().size());
  return int(std::max(1.0, std::ceil(std::min(allowed, processorQuota(root)))));
}

} // namespace nc
