// The threads of an emulated block as fibers, and what they wait for.
//
#pragma once

#include "runtime/emulator/Emulator.h"

#include <deque>
#include <functional>
#include <vector>

namespace nc::emulator {

constexpr int kWarp = 32, kMostThreads = 1024;
/// Words of an instruction's operands and results, per thread.
constexpr int kWords = 16;

/// A copy to shared memory that has been asked for.
struct AsyncCopy {
  char *to;
  const char *from;
  int32_t size, fromGlobal;
};

struct Fiber {
  void *stackPointer = nullptr;
  int thread = 0;
  bool done = false;
  /// Waits while *counter is `value`; goes on where `counter` is null. `what` is for messages.
  const uint64_t *counter = nullptr;
  uint64_t value = 0;
  const char *what = "";
  std::deque<std::vector<AsyncCopy>> committed;
  std::vector<AsyncCopy> open;
};

/// Threads of one warp that meet in one instruction.
struct Meeting {
  uint64_t times = 0;
  int arrived = 0;
  uint32_t mask = 0;
  const char *what = nullptr;
};

struct Warp {
  uint64_t in[kWarp][kWords], out[kWarp][kWords];
  Meeting meetings[kWarp]; // by the lowest lane that takes part
};

/// Ends the program (exit 1) with a message, or gives the block up; only from within a fiber where
/// that is so.
[[noreturn]] void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// The block that the calling thread runs. Its memory is kept from one block to the next.
class Block {
public:
  static Block &current();
  ~Block();

  void run(nc_emulated_thread body, void *const *buffers, int64_t task, void *scratch, int64_t threads,
           int64_t sharedBytes);

  /// Leaves the running fiber, and with it the block, for good.
  [[noreturn]] void abandon();
  Fiber &self() { return *running; }
  int lane() const { return running->thread % kWarp; }

  /// Suspends the running thread while `counter` is what it is.
  void wait(const uint64_t &counter, const char *what);
  /// All threads of the block.
  void barrier();
  /// The running thread brings `words` words in; the last of `mask` calls `compute` for all, then
  /// each has its result. All must bring the same instruction, `what`.
  uint64_t *meet(const char *what, uint32_t mask, const uint64_t *words, int count,
                 const std::function<void(Warp &, uint32_t mask)> &compute);

private:
  /// Resumes each thread of a warp that can go on; whether there was one.
  bool advance(size_t warp);
  void prepare(int64_t threads, int64_t sharedBytes);
  void start(Fiber &fiber);
  void resume(Fiber &fiber);
  void reportDeadlock();
  static void enter();

  nc_emulated_thread body = nullptr;
  void *const *buffers = nullptr;
  int64_t task = 0;
  void *scratch = nullptr;
  char *shared = nullptr, *sharedMapping = nullptr, *stacks = nullptr;
  Fiber *running = nullptr;
  void *scheduler = nullptr; // its stack pointer
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  uint64_t barrierTimes = 0;
  int barrierArrived = 0, live = 0;
  bool isAbandoned = false;
};

} // namespace nc::emulator
