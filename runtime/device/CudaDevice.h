// One NVIDIA GPU that runs a program: its arenas, its kernels, and each entry as graphs.
//
#pragma once

#include "runtime/Abi.h"
#include "runtime/device/EntryGraphs.h"
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>

namespace nc {

/// What this machine lacks to run a program's kernels on device `index`, as a sentence; empty if
/// nothing.
std::string missingForDevice(const nc_program &program, int index);

/// What goes on beside a device's kernels, and may fail while these are waited for.
class DeviceCompanion {
public:
  /// A run of an entry begins: its calls are made, or recorded; or they are replayed as they were recorded.
  virtual void enter(const nc_entry &entry, bool isReplayed) = 0;
  /// It is over.
  virtual void leave() = 0;
  /// Called while the device is waited for; fails where it is not worth waiting for any more.
  virtual void poll() = 0;
  /// Whether ranks exchange something in an entry, by what it did last.
  virtual bool exchangesIn(const nc_entry &entry) = 0;
  /// Whether all ranks say so; they ask together.
  virtual bool saidByAll(bool own) = 0;

protected:
  ~DeviceCompanion() = default;
};

class CudaDevice {
public:
  /// Makes all memory the program will ever use there, zeroed. Fails (exit 1) with what the driver
  /// said.
  CudaDevice(const nc_program &program, int index);
  ~CudaDevice();
  CudaDevice(const CudaDevice &) = delete;
  CudaDevice &operator=(const CudaDevice &) = delete;

  std::string name() const { return deviceName(driver, index); }
  std::array<char, 16> uuid() const;
  const CudaDriver &api() const { return driver; }
  CudaDriver::Handle kernelStream() const { return stream; }
  /// From now on; null for nobody.
  void accompany(DeviceCompanion *other) { companion = other; }
  /// Graphs go, once what was started has ended, unless that is later than `limit`.
  void forgetGraphs(std::chrono::steady_clock::time_point limit);
  /// Differs where the stream of kernels was given something in between.
  int64_t position() const { return given; }
  /// Of the entry that runs: grows where a part of its graphs ends; whether micro-batches are gone through now.
  int64_t part() const { return parts; }
  bool isInMicroBatch() const { return inMicroBatch; }
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
  /// time on they are graphs that are replayed, unless the entry does in between what only the host
  /// can do, or is watched; what ranks exchange is in graphs of all of them, or of none. The IO arena goes there before
  /// and comes back after.
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
  int wait();
  void record(Recording &recording, const nc_entry &entry, const std::function<void()> &calls);
  bool prepareGraphs(Recording &recording, const nc_entry &entry, const std::function<void()> &calls, bool isWatched);

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
  DeviceCompanion *companion = nullptr;
  int64_t given = 0, parts = 0;
  bool inMicroBatch = false;
};

} // namespace nc
