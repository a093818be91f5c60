// The memory of a program: one zeroed mapping per arena, made once, of the size the compiler
// planned.
//
#pragma once

#include "runtime/Abi.h"
#include <array>
#include <memory>
#include <string>

namespace nc {

/// Zeroed, page-aligned memory that is returned to the system with its owner.
class MappedMemory {
public:
  /// Fails (exit 1) with `purpose` in the message. At least one page, so `data` is never null.
  MappedMemory(int64_t bytes, const std::string &purpose);
  ~MappedMemory();
  MappedMemory(const MappedMemory &) = delete;
  MappedMemory &operator=(const MappedMemory &) = delete;

  char *data() const { return base; }

private:
  char *base;
  size_t mappedBytes;
};

/// All arenas of one program.
class Arenas {
public:
  /// `io`, where it is not null, is the IO arena of a device; there is then none for what only the
  /// device sees.
  explicit Arenas(const nc_program &program, char *io = nullptr);

  /// What an entry takes: NC_ARENA_COUNT base pointers.
  char *const *bases() const { return pointers.data(); }
  void *data(const nc_tensor &tensor) const { return pointers[tensor.arena] + tensor.offset; }

private:
  std::array<std::unique_ptr<MappedMemory>, NC_ARENA_COUNT> memory;
  std::array<char *, NC_ARENA_COUNT> pointers;
};

/// Sum of all arenas.
int64_t plannedBytes(const nc_program &program);
/// All that the plan of a program has for a process with so many threads: arenas, scratch memory and the reserve. On
/// a device, of its memory, without the reserve, which is for its context.
int64_t processBytes(const nc_program &program, int threads);
/// Memory of this process that is no file's and is in use.
int64_t anonymousBytes();
/// The most memory this process ever had resident.
int64_t peakResidentBytes();
/// "12.3 MiB".
std::string bytesText(int64_t bytes);

} // namespace nc
