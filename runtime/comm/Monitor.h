// Ranks that hear of each other while they compute, so that none waits for one that is no more.
#pragma once

#include "runtime/comm/Mesh.h"
#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace nc {

/// A thread that tells rank 0 every second, or four times within `timeout`, what this rank does, and rank 0 that it is
/// there. Where a rank ends without having finished, is silent for `timeout` seconds or fails, all others learn its
/// name and why.
class Monitor {
public:
  /// `onFailure` is told, from the thread. What this rank still does five seconds later is cut off: the process ends
  /// with exit code 1 and the sentence.
  Monitor(const Mesh &mesh, double timeout, std::function<void(const std::string &)> onFailure);
  /// Tells the others that this rank has finished, where `succeed` was called, else why it failed.
  ~Monitor();
  Monitor(const Monitor &) = delete;

  /// What is done from now on, for messages: "all-to-all of 64 bytes".
  void doing(const std::string &what);
  /// This rank has nothing more to do with the others.
  void succeed();
  /// This rank ends with an error, which the others are told when the monitor ends.
  void fail(const std::string &message);

private:
  struct Rank {
    std::string doing;
    Deadline latest; // by when it is to be heard from
    bool hasFinished = false;
  };

  void work();
  void hear(int rank);
  void lose(int rank, const std::string &how);
  void spread(const std::string &why);
  void tell(const nlohmann::json &message);

  const Mesh &mesh;
  double timeout, interval; // between two words to rank 0
  std::function<void(const std::string &)> onFailure;
  std::vector<Rank> others; // whom this rank hears from: all at rank 0, rank 0 elsewhere
  std::mutex mutex;         // of what follows
  std::string own = "the start";
  std::string failure;
  bool isOwn = false, hasSucceeded = false; // the failure is this rank's; there is none
  Deadline cutOff = Deadline::max();
  std::atomic<bool> isOver{false};
  std::thread worker;
};

} // namespace nc
