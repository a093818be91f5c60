#include "runtime/program/Arenas.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Program.h"
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace nc {

MappedMemory::MappedMemory(int64_t bytes, const std::string &purpose) {
  size_t page = sysconf(_SC_PAGESIZE);
  mappedBytes = (std::max<size_t>(bytes, 1) + page - 1) / page * page;
  void *memory = mmap(nullptr, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    failRun(format("cannot allocate %s for %s: %s", bytesText(bytes).c_str(), purpose.c_str(), strerror(errno)),
            "compile the model with a smaller batch or sequence");
  // Fewer page faults and TLB misses on large arenas; a kernel that refuses changes nothing.
  madvise(memory, mappedBytes, MADV_HUGEPAGE);
  base = static_cast<char *>(memory);
}

MappedMemory::~MappedMemory() { munmap(base, mappedBytes); }

Arenas::Arenas(const nc_program &program, char *io) {
  for (int i = 0; i < NC_ARENA_COUNT; ++i) {
    bool isElsewhere = io && (i == NC_ARENA_IO || i == NC_ARENA_WORKSPACE);
    pointers[i] = i == NC_ARENA_IO ? io : nullptr;
    if (isElsewhere)
      continue;
    std::string purpose = std::string("the ") + arenaName(i) + " arena";
    memory[i] = std::make_unique<MappedMemory>(program.arena_bytes[i], purpose);
    pointers[i] = memory[i]->data();
  }
}

int64_t plannedBytes(const nc_program &program) {
  int64_t total = 0;
  for (int64_t bytes : program.arena_bytes)
    total += bytes;
  return total;
}

int64_t processBytes(const nc_program &program, int threads) {
  constexpr int64_t kPage = 4096; // threads have pages of their own
  int64_t ofThreads = (program.scratch_bytes + kPage - 1) / kPage * kPage * threads;
  return plannedBytes(program) + (program.device[0] ? program.scratch_bytes : ofThreads + program.reserve_bytes);
}

int64_t anonymousBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("RssAnon:", 0) == 0)
      return 1024 * std::strtoll(line.c_str() + 8, nullptr, 10);
  return 0;
}

int64_t peakResidentBytes() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return int64_t(usage.ru_maxrss) * 1024;
}

std::string bytesText(int64_t bytes) {
  static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024)
    return format("%lld B", wide(bytes));
  double value = bytes / 1024.0;
  int unit = 0;
  for (; value >= 1024 && unit < 3; ++unit)
    value /= 1024;
  return format("%.1f %s", value, units[unit]);
}

} // namespace nc
