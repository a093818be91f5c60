#include "runtime/device/NcclCommunicator.h"
#include "runtime/files/Errors.h"
#include <chrono>
#include <cstdio>
#include <unistd.h>

namespace nc {

// What a message may have at most, and how long an end may take, or word of who else has ended.
static constexpr int64_t kMostAtOnce = int64_t(1) << 30;
static constexpr double kEnding = 5, kHearing = 2; // seconds

static constexpr const char *kAdvice = "NCCL_DEBUG=WARN has NCCL say more; --comm=shm and --comm=tcp go without it, "
                                       "through the host";

NcclCommunicator::NcclCommunicator(const NcclLibrary &library, Ranks &ranks, std::function<void(Deadline)> letGo)
    : library(library), ranks(ranks), letGo(std::move(letGo)) {
  ranks.doing("the start of NCCL");
  struct Known { // what the first says: an error, or how to find it
    int error;
    NcclLibrary::Id id;
  } known = {};
  if (ranks.isFirst())
    known.error = library.uniqueId(&known.id);
  known = ranks.ofFirst(known);
  if (known.error)
    throw AgreedError(ExitCode::BadInput, "NCCL does not start: " + library.describe(known.error), kAdvice);
  NcclLibrary::Config config;
  config.blocking = 0; // who waits for a rank looks whether it is still there
  ranks.onAbort([this] { abort(); });
  try {
    settle([&] { return library.begin(&handle, ranks.count(), known.id, ranks.rank(), &config); });
  } catch (const std::exception &) {
    end();
    throw;
  }
  hasBegun = true;
}

NcclCommunicator::~NcclCommunicator() { end(); }

void NcclCommunicator::end() {
  ranks.onAbort(nullptr);
  abort();
  waitForEnd("NCCL does not end");
  ending.join();
}

void NcclCommunicator::send(const char *from, int64_t bytes, int rank, CudaDriver::Handle stream) {
  for (int64_t at = 0; at < bytes && !error; at += kMostAtOnce)
    error =
        library.send(from + at, size_t(std::min(kMostAtOnce, bytes - at)), NcclLibrary::kBytes, rank, handle, stream);
}

void NcclCommunicator::receive(char *to, int64_t bytes, int rank, CudaDriver::Handle stream) {
  for (int64_t at = 0; at < bytes && !error; at += kMostAtOnce)
    error =
        library.receive(to + at, size_t(std::min(kMostAtOnce, bytes - at)), NcclLibrary::kBytes, rank, handle, stream);
}

void NcclCommunicator::wait(int result) {
  Deadline limit = after(ranks.timeoutNow());
  while (result == NcclLibrary::kInProgress) {
    poll(nullptr);
    if (std::chrono::steady_clock::now() > limit)
      fail(format("NCCL was not ready within %g s", ranks.timeoutNow()), nullptr, kAdvice);
    std::this_thread::sleep_for(std::chrono::microseconds(20));
    std::lock_guard<std::mutex> lock(calls);
    if (handle && library.asyncError(handle, &result) != NcclLibrary::kSuccess)
      result = NcclLibrary::kInProgress; // poll says why
  }
  if (result)
    fail("NCCL fails: " + library.describe(result), nullptr, kAdvice);
}

void NcclCommunicator::poll(const char *source) {
  int state = 0, result = 0;
  {
    std::lock_guard<std::mutex> lock(calls);
    if (handle)
      result = library.asyncError(handle, &state);
  }
  result = result ? result : state;
  bool hasFailed = result && result != NcclLibrary::kInProgress;
  // NCCL fails as well where another rank ends: the monitor will say which.
  for (Deadline limit = after(hasFailed ? kHearing : 0);;) {
    if (std::string why = ranks.failureOfOthers(); !why.empty())
      fail(why, source, "what that rank printed says why");
    if (std::chrono::steady_clock::now() >= limit)
      break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (hasFailed)
    fail("NCCL fails: " + library.describe(result), source, kAdvice);
}

void NcclCommunicator::fail(const std::string &why, const char *source, const std::string &note) {
  std::string all = ranks.describeFailure(why, source);
  abort();
  waitForEnd(all);
  failRun(all, note);
}

void NcclCommunicator::abort() {
  std::lock_guard<std::mutex> lock(mutex);
  if (std::exchange(isEnding, true))
    return;
  ending = std::thread([this] {
    NcclLibrary::Handle last;
    {
      std::lock_guard<std::mutex> lock(calls);
      last = std::exchange(handle, nullptr);
      hasBegun = true; // it will not any more
    }
    if (last)
      library.abort(last);
    std::lock_guard<std::mutex> lock(mutex);
    hasEnded = true;
    changed.notify_all();
  });
}

void NcclCommunicator::waitForEnd(const std::string &why) {
  Deadline limit = after(kEnding);
  letGo(limit);
  std::unique_lock<std::mutex> lock(mutex);
  if (changed.wait_until(lock, limit, [this] { return hasEnded; }))
    return;
  fprintf(stderr, "error: %s\n", why.c_str());
  _exit(1);
}

} // namespace nc
