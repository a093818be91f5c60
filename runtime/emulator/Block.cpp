#include "runtime/emulator/Block.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

int nc_emulate_falling = 0, nc_emulate_failures = 0, nc_emulate_keeps_going = 0;

namespace nc::emulator {

constexpr size_t kStackBytes = 256 << 10, kMostShared = 256 << 10, kGuard = 64 << 10;

void fail(const char *format, ...) {
  if (nc_emulate_keeps_going)
    Block::current().abandon();
  va_list args;
  va_start(args, format);
  fputs("error: emulated GPU: ", stderr);
  vfprintf(stderr, format, args);
  fputs("\n", stderr);
  va_end(args);
  fflush(nullptr);
  _exit(1);
}

static char *map(size_t bytes) {
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    fail("cannot allocate %zu bytes", bytes);
  return static_cast<char *>(memory);
}

// Saves what a function must keep (System V ABI 3.2.1) on the stack in use, whose pointer goes to
// *save, and goes on with another stack.
extern "C" void nc_emulator_switch(void **save, void *next);
asm(R"(
.text
.hidden nc_emulator_switch
.globl nc_emulator_switch
.type nc_emulator_switch, @function
nc_emulator_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size nc_emulator_switch, .-nc_emulator_switch
)");

Block &Block::current() {
  thread_local Block block;
  return block;
}

Block::~Block() {
  if (stacks)
    munmap(stacks, kStackBytes * kMostThreads);
  if (sharedMapping)
    munmap(sharedMapping, kMostShared + kGuard);
}

void Block::enter() {
  Block &block = current();
  block.body(block.buffers, block.task, block.scratch, block.shared);
  Fiber &self = block.self();
  self.done = true;
  nc_emulator_switch(&self.stackPointer, block.scheduler);
}

void Block::start(Fiber &fiber) {
  char *top = stacks + kStackBytes * (fiber.thread + 1);
  // As if `enter` had been called: six registers, its address, and 16-byte alignment above that.
  // Stacks are not a power of two apart, or all would lie in the same lines of the cache.
  void **frame = reinterpret_cast<void **>(top - 64 - 192 * (fiber.thread % 64));
  frame -= reinterpret_cast<uintptr_t>(frame) % 16 / sizeof(void *);
  *--frame = nullptr;
  *--frame = reinterpret_cast<void *>(&Block::enter);
  frame -= 6;
  memset(frame, 0, 6 * sizeof(void *));
  fiber.stackPointer = frame;
}

void Block::resume(Fiber &fiber) {
  running = &fiber;
  nc_emulator_switch(&scheduler, fiber.stackPointer);
  running = nullptr;
}

void Block::abandon() {
  isAbandoned = true;
  nc_emulator_switch(&running->stackPointer, scheduler);
  __builtin_unreachable();
}

void Block::prepare(int64_t threads, int64_t sharedBytes) {
  if (threads > kMostThreads || size_t(sharedBytes) > kMostShared)
    fail("a block of %lld threads and %lld bytes of shared memory", (long long)threads, (long long)sharedBytes);
  if (!stacks) {
    stacks = map(kStackBytes * kMostThreads);
    sharedMapping = map(kMostShared + kGuard);
    mprotect(sharedMapping + kMostShared, kGuard, PROT_NONE);
  }
  // Its end is where memory ends, but for alignment.
  shared = sharedMapping + kMostShared - (sharedBytes + 1023) / 1024 * 1024;
  memset(shared, 0xff, sharedBytes);
  fibers.resize(threads);
  warps.resize((threads + kWarp - 1) / kWarp);
  for (int64_t i = 0; i < threads; ++i) {
    Fiber &fiber = fibers[i];
    fiber.thread = int(i);
    fiber.done = false;
    fiber.counter = nullptr;
    fiber.committed.clear();
    fiber.open.clear();
    start(fiber);
  }
  for (Warp &warp : warps)
    for (Meeting &meeting : warp.meetings)
      meeting = Meeting();
  barrierTimes = 0;
  barrierArrived = 0;
  isAbandoned = false;
  live = int(threads);
}

void Block::run(nc_emulated_thread thread, void *const *bases, int64_t number, void *memory, int64_t threads,
                int64_t sharedBytes) {
  body = thread;
  buffers = bases;
  task = number;
  scratch = memory;
  prepare(threads, sharedBytes);
  while (live > 0) {
    bool progress = false;
    for (size_t i = 0; i < warps.size() && !isAbandoned; ++i)
      while (!isAbandoned && advance(nc_emulate_falling ? warps.size() - 1 - i : i))
        progress = true;
    if (!isAbandoned && progress)
      continue;
    ++nc_emulate_failures;
    if (!nc_emulate_keeps_going)
      reportDeadlock();
    return;
  }
}

bool Block::advance(size_t warp) {
  bool progress = false;
  size_t first = warp * kWarp, count = std::min<size_t>(kWarp, fibers.size() - first);
  for (size_t i = 0; i < count && !isAbandoned; ++i) {
    Fiber &fiber = fibers[first + (nc_emulate_falling ? count - 1 - i : i)];
    if (fiber.done || (fiber.counter && *fiber.counter == fiber.value))
      continue;
    fiber.counter = nullptr;
    resume(fiber);
    progress = true;
    live -= fiber.done;
  }
  return progress;
}

void Block::reportDeadlock() {
  for (const Fiber &fiber : fibers)
    if (!fiber.done)
      fail("no thread of block %lld can go on: %d of %zu have not ended, thread %d waits at %s", (long long)task, live,
           fibers.size(), fiber.thread, fiber.what);
  fail("no thread of block %lld can go on", (long long)task);
}

void Block::wait(const uint64_t &counter, const char *what) {
  Fiber &fiber = self();
  fiber.counter = &counter;
  fiber.value = counter;
  fiber.what = what;
  nc_emulator_switch(&fiber.stackPointer, scheduler);
}

void Block::barrier() {
  if (++barrierArrived == int(fibers.size())) {
    barrierArrived = 0;
    ++barrierTimes;
    return;
  }
  wait(barrierTimes, "bar.sync 0");
}

uint64_t *Block::meet(const char *what, uint32_t mask, const uint64_t *words, int count,
                      const std::function<void(Warp &, uint32_t)> &compute) {
  int me = lane();
  Warp &warp = warps[self().thread / kWarp];
  if (!(mask >> me & 1))
    fail("thread %d executes %s for lanes %08x, of which it is none", self().thread, what, mask);
  Meeting &meeting = warp.meetings[__builtin_ctz(mask)];
  if (meeting.arrived && (meeting.mask != mask || meeting.what != what))
    fail("thread %d executes %s for lanes %08x where others execute %s for lanes %08x", self().thread, what, mask,
         meeting.what, meeting.mask);
  meeting.mask = mask;
  meeting.what = what;
  std::copy(words, words + count, warp.in[me]);
  if (++meeting.arrived == __builtin_popcount(mask)) {
    compute(warp, mask);
    meeting.arrived = 0;
    ++meeting.times;
  } else {
    wait(meeting.times, what);
  }
  return warp.out[me];
}

} // namespace nc::emulator

void nc_emulate(nc_emulated_thread body, void *const *buffers, int64_t task, void *scratch, int64_t threads,
                int64_t shared_bytes) {
  nc::emulator::Block::current().run(body, buffers, task, scratch, threads, shared_bytes);
}
