// Ranks that exchange bytes between their GPUs by NCCL, and how that ends, also where one fails.
//
#pragma once

#include "runtime/comm/Ranks.h"
#include "runtime/device/CudaDriver.h"
#include "runtime/device/NcclLibrary.h"
#include <condition_variable>
#include <mutex>
#include <thread>

namespace nc {

/// What fails here ends the communicator first, so that no kernel goes on to wait, and then throws.
class NcclCommunicator {
public:
  /// Of all ranks, on the current context's GPU; they must come here together. NCCL does not end before graphs do that
  /// hold its work: `letGo` has these go, once what is under way has ended, by a deadline.
  NcclCommunicator(const NcclLibrary &library, Ranks &ranks, std::function<void(Deadline)> letGo);
  ~NcclCommunicator();
  NcclCommunicator(const NcclCommunicator &) = delete;
  NcclCommunicator &operator=(const NcclCommunicator &) = delete;

  /// What `body` sends and receives begins together.
  template <typename Body> void group(const Body &body) {
    settle([&] {
      error = library.groupStart();
      body();
      int last = library.groupEnd();
      return error ? error : last;
    });
  }
  /// In the body of a group, on a stream.
  void send(const char *from, int64_t bytes, int rank, CudaDriver::Handle stream);
  void receive(char *to, int64_t bytes, int rank, CudaDriver::Handle stream);

  /// While others are waited for: fails where a rank has failed, or NCCL says that it has. `source`: what the waited
  /// for is of, for the message; may be null.
  void poll(const char *source);
  /// Ends all that is under way and fails (exit 1) with this sentence, or the monitor's, which says more.
  [[noreturn]] void fail(const std::string &why, const char *source, const std::string &note);
  /// From any thread: ends all that is under way, and returns before that is done. Where it takes more than 5 s once
  /// somebody waits for it, the process ends with exit code 1.
  void abort();

private:
  /// Makes a call of NCCL and returns once that is done, which it may be later than the call.
  template <typename Call> void settle(const Call &call) {
    int result = NcclLibrary::kInProgress;
    {
      std::lock_guard<std::mutex> lock(calls);
      if (!hasBegun || handle)
        result = call();
    }
    wait(result);
  }
  void wait(int result);
  void waitForEnd(const std::string &why);
  void end();

  const NcclLibrary &library;
  Ranks &ranks;
  std::function<void(Deadline)> letGo;
  std::mutex calls; // of NCCL: an end comes between them
  bool hasBegun = false;
  NcclLibrary::Handle handle = nullptr; // null again after the end
  int error = 0;                        // the first of a group
  std::mutex mutex;                     // of what follows
  std::condition_variable changed;
  bool isEnding = false, hasEnded = false;
  std::thread ending;
};

} // namespace nc
