// One NVIDIA GPU that runs a program: its arenas, its kernels, and each entry as graphs.
//
#pragma once

#include "runtime/Abi.h"
#include "runtime/device/EntryGraphs.h"
#include <array>
#include <functional>
#include <map>
#include <memory>

namespace nc {

/// What this machine lacks to run a program's kernels on device `index`, as a sentence; empty if
/// nothing.
std::string missingForDevice(const nc_program &program, int index);

class CudaDevice {
public:
  /// Makes all memory the program will ever use there, zeroed. Fails (exit 1) with what the driver
  /// said.
  CudaDevice(const nc_program &program, int index);
  ~CudaDevice();
  CudaDevice(const CudaDevice &) = delete;
  CudaDevice &operator=(const CudaDevice &) = delete;

  std::string name() const { return deviceName(driver, index); }
  /// Base addresses of the arenas, for entries.
  char *const *bases() const { return pointers.data(); }
  /// The IO arena as the host reads and writes it between runs.
  char *io() const { return hostIo; }

  void upload(int arena, const void *from);
  void download(int arena, void *to) const;
  /// Bytes at an address of the device.
  void read(void *to, const void *address, size_t bytes) const;
  /// To an address of the device, in its turn among the kernels; `from` must stay as it is until then.
  void write(void *address, const void *from, size_t bytes);
  /// Memory of the host that the device copies from and to by itself.
  char *allocateHost(int64_t bytes) const;
  void releaseHost(char *memory) const { driver.releaseHost(memory); }

  /// Runs an entry and returns when it is done. `calls` makes its kernel calls; from the second
  /// time on they are graphs that are replayed, unless the entry reads numbers or exchanges bytes in
  /// between, or is watched. The IO arena goes there before and comes back after.
  void run(const nc_entry &entry, const std::function<void()> &calls, bool isWatched);
  /// Starts a kernel on addresses of the device.
  void launch(const nc_kernel_info &kernel, void *const *buffers, const char *source);
  /// The next of `count` micro-batches begins, or they are over.
  void iterate(int64_t number, int64_t count);
  /// As launch, and waits for it; the seconds it took on the device's clock.
  double launchTimed(const nc_kernel_info &kernel, void *const *buffers, const char *source);
  /// The entry that runs does what only the host can do between its kernels: it is called, never replayed.
  void leaveGraphs();
  /// An integer of `bytes` that kernels started before have written.
  int64_t readInteger(const void *address, int64_t bytes);
  void synchronize();
  /// Memory of the device that went since its context was made: what this process took, if no other took any.
  int64_t usedBytes() const;

private:
  struct Recording {
    int runs = 0;
    bool needsHost = false; // between its kernels
    std::unique_ptr<EntryGraphs> graphs;
    bool isRecorded = false;
  };
  void check(int error, const std::string &what) const;
  int64_t bytesLeft() const;
  CudaDriver::Handle functionOf(const nc_kernel_info &kernel);
  void record(Recording &recording, const nc_entry &entry, const std::function<void()> &calls);

  const nc_program &program;
  CudaDriver driver;
  int index;
  bool waitsForEach; // NANOCHAT_CUDA_SYNC: every kernel is waited for, so that an error names it
  CudaDriver::Handle context = nullptr, stream = nullptr, begin = nullptr, end = nullptr;
  std::array<CudaDriver::Address, NC_ARENA_COUNT> arenas = {};
  std::array<char *, NC_ARENA_COUNT> pointers = {};
  CudaDriver::Address scratch = 0;
  int64_t leftAtFirst = 0;
  char *hostIo = nullptr;
  std::map<const nc_kernel_info *, CudaDriver::Handle> functions;
  std::map<const nc_entry *, Recording> recordings;
  Recording *running = nullptr;
  EntryGraphs *recorder = nullptr; // while an entry is recorded
};

} // namespace nc
