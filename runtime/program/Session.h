// A program that is ready to run: its arenas, its threads, and access to its tensors.
//
#pragma once

#include "runtime/Abi.h"
#include "runtime/comm/Ranks.h"
#include "runtime/device/CudaDevice.h"
#include "runtime/device/Exchanges.h"
#include "runtime/program/Arenas.h"
#include "runtime/program/Dispatch.h"
#include "runtime/program/Threads.h"
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nc {

class Session {
public:
  /// Checks the program and makes all memory and threads it will ever use; a program for a GPU runs
  /// on that of number `gpu`.
  Session(const nc_program &program, int threads, Placement placement = Placement::Free, int gpu = 0);

  const nc_program &program;

  /// With whom its entries exchange what, from now on; `others` must outlive it, and all join together. Until then it
  /// is alone. Fails as makeExchanges does.
  void join(Ranks &others);
  Ranks &ranks() const { return joined ? *joined : alone; }

  /// Runs an entry whose inputs were set. Allocations count (AllocationCounter.h) unless it is
  /// observed. `observer` may be null.
  void run(const nc_entry &entry, DispatchObserver *observer = nullptr);

  /// Where the host reads a tensor, until the next run. Of a GPU's arenas it is a copy, made where
  /// the device has written since.
  const void *data(const nc_tensor &tensor) const;
  /// Where it writes one as well: such a copy is sent back before the next run.
  void *mutableData(const nc_tensor &tensor);
  /// An element as a double; i64 beyond 2^53 rounds.
  double read(const nc_tensor &tensor, int64_t index = 0) const;
  void write(const nc_tensor &tensor, double value, int64_t index = 0);

  /// Sets a user scalar of all entries; fails (exit 2) with the list of those the program has.
  void setScalar(const std::string &name, double value);

  /// What entries draw their random numbers from; 0 at first.
  void setSeed(uint64_t value) { seed = value; }

  /// Writes "step", "steps", "seed" and the user scalars of `entry`. Tokens, targets and position are the
  /// caller's; any other input is an error (exit 1).
  void fillScalars(const nc_entry &entry, int64_t step, int64_t steps);

  ThreadTeam &threads() { return team; }
  /// Memory of the GPU that it uses; nothing where the program runs on threads.
  std::optional<int64_t> deviceBytes() const { return device ? std::optional(device->usedBytes()) : std::nullopt; }
  /// The GPU's name; "" where the program runs on threads.
  std::string deviceName() const { return device ? device->name() : ""; }
  /// Over what several ranks exchange.
  std::string transportName() const { return exchanges ? exchanges->name() : ranks().transport().name(); }

private:
  /// Memory lies with the processor that first writes to it: each thread takes its part of what is
  /// written by one thread at the start and by kernels of all threads from then on.
  void touchMemory();
  /// Brings what the host has written to the GPU.
  void sendToDevice();

  mutable Ranks alone;
  Ranks *joined = nullptr;
  std::unique_ptr<CudaDevice> device;
  std::unique_ptr<Exchanges> exchanges; // of the device
  Arenas arenas;
  // By arena: whether the host's copy is of now, and whether it may have been written to.
  mutable std::array<bool, NC_ARENA_COUNT> isCurrent;
  std::array<bool, NC_ARENA_COUNT> isTouched;
  ThreadTeam team;
  std::map<std::string, double, std::less<>> scalars;
  uint64_t seed = 0;
};

/// Index of the first NaN or infinity among `count` elements, or -1. Integers are finite.
int64_t firstNonFinite(int32_t dtype, const void *data, int64_t count);

} // namespace nc
