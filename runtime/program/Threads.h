// A persistent team of threads that runs the tasks of one kernel at a time.
//
// Tasks are independent and their number depends on shapes only, so results are the same bits
// for any team size; the partition is static and contiguous so that a thread meets the same
// data again in the next kernel.
//
#pragma once

#include "runtime/Abi.h"
#include "runtime/program/Arenas.h"
#include <atomic>
#include <thread>
#include <vector>

namespace nc {

/// A word that threads wait on: a bounded spin first, then a sleep in the kernel.
class alignas(64) WaitWord {
public:
  std::atomic<uint32_t> value{0};

  /// Returns once `value` differs from `old`. May also return early; callers loop.
  void waitWhile(uint32_t old, int spins);
  /// Call after changing `value`. Costs a system call only if someone sleeps.
  void wakeAll();

private:
  std::atomic<uint32_t> sleepers{0};
};

/// Pinned: each thread stays on a processor of its own. Worth it on a machine one has for
/// oneself; where others compute too, a pinned thread waits for its processor while another
/// is idle, and the team waits for that thread (measured: 3 times slower).
enum class Placement { Free, Pinned };

class ThreadTeam {
public:
  /// `scratchBytes` is what each thread gets for itself. The calling thread is one of `size`.
  /// A team larger than the number of processors is not pinned. Fails (exit 1) where a thread
  /// cannot be made.
  ThreadTeam(int size, int64_t scratchBytes, Placement placement = Placement::Free);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam &) = delete;
  ThreadTeam &operator=(const ThreadTeam &) = delete;

  /// Runs tasks 0 … `tasks`-1 and returns when all are done; what they wrote is then visible.
  /// Only from the thread that made the team, never from within a task. Allocates nothing.
  void run(nc_kernel kernel, void *const *buffers, int64_t tasks);

  int size() const { return threadCount; }

private:
  void work(int index);
  void runShare(int index);
  void makeWorkers();
  /// Ends the workers there are.
  void stop();

  const int threadCount;
  const int64_t scratchStride;
  MappedMemory scratch;
  int spins;
  bool isPinned = false;
  std::vector<int> processors; // of the thread that made the team

  // Written by the caller before `generation` changes, read by workers after.
  nc_kernel kernel = nullptr;
  void *const *buffers = nullptr;
  int64_t tasks = 0;
  bool isStopping = false;

  WaitWord generation; // one more for each kernel
  WaitWord pending;    // workers that have not finished it
  std::vector<std::thread> workers;
};

} // namespace nc
