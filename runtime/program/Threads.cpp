#include "runtime/program/Threads.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Processors.h"
#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace nc {

// Long enough to bridge the host code between two kernels, short enough not to steal a
// processor from others while data is read or a checkpoint is written.
static constexpr int spinsBeforeSleep = 4000;

static void pauseProcessor() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

void WaitWord::waitWhile(uint32_t old, int spins) {
  for (int i = 0; i < spins; ++i) {
    if (value.load(std::memory_order_acquire) != old)
      return;
    pauseProcessor();
  }
  // Sequentially consistent with wakeAll: either the waker sees us here, or the kernel sees the
  // new value and does not let us sleep.
  sleepers.fetch_add(1);
  if (value.load() == old)
    syscall(SYS_futex, &value, FUTEX_WAIT_PRIVATE, old, nullptr, nullptr, 0);
  sleepers.fetch_sub(1);
}

void WaitWord::wakeAll() {
  if (sleepers.load() != 0)
    syscall(SYS_futex, &value, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

ThreadTeam::ThreadTeam(int size, int64_t scratchBytes, Placement placement)
    : threadCount(size), scratchStride((scratchBytes + 4095) / 4096 * 4096),
      scratch(scratchStride * size, "the scratch memory of the threads"), processors(allowedProcessors()) {
  int available = availableProcessors();
  // With more threads than processors a spinning thread delays the one it waits for.
  spins = size > available ? 0 : spinsBeforeSleep;
  isPinned = placement == Placement::Pinned && size <= available;
  makeWorkers();
  if (isPinned)
    runOn({processors[0]});
}

void ThreadTeam::makeWorkers() {
  workers.reserve(threadCount);
  try {
    for (int i = 1; i < threadCount; ++i)
      workers.emplace_back([this, i] { work(i); });
  } catch (const std::system_error &problem) {
    stop();
    failRun(
        format("cannot make thread %zu of %d: %s", workers.size() + 2, threadCount, problem.code().message().c_str()),
        "give fewer --threads, or allow more processes or memory ('ulimit -u', 'ulimit -v')");
  }
}

ThreadTeam::~ThreadTeam() {
  stop();
  if (isPinned)
    runOn(processors);
}

void ThreadTeam::stop() {
  isStopping = true;
  generation.value.fetch_add(1);
  generation.wakeAll();
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadTeam::run(nc_kernel newKernel, void *const *newBuffers, int64_t newTasks) {
  kernel = newKernel;
  buffers = newBuffers;
  tasks = newTasks;
  if (threadCount == 1 || tasks <= 1) {
    for (int64_t task = 0; task < tasks; ++task)
      kernel(buffers, task, scratch.data());
    return;
  }
  pending.value.store(threadCount - 1);
  generation.value.fetch_add(1);
  generation.wakeAll();
  runShare(0);
  while (uint32_t left = pending.value.load(std::memory_order_acquire))
    pending.waitWhile(left, spins);
}

void ThreadTeam::runShare(int index) {
  int64_t begin = tasks * index / threadCount;
  int64_t end = tasks * (index + 1) / threadCount;
  void *own = scratch.data() + scratchStride * index;
  for (int64_t task = begin; task < end; ++task)
    kernel(buffers, task, own);
}

void ThreadTeam::work(int index) {
  if (isPinned)
    runOn({processors[index]});
  for (uint32_t seen = 0;; ++seen) {
    while (generation.value.load(std::memory_order_acquire) == seen)
      generation.waitWhile(seen, spins);
    if (isStopping)
      return;
    runShare(index);
    if (pending.value.fetch_sub(1) == 1)
      pending.wakeAll();
  }
}

} // namespace nc
