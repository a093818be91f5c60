// Ranks that hear of each other while they compute, so that none waits for one that is no more.
#pragma once

#include "runtime/comm/Mesh.h"
#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace nc {

/// "step 12, 'layers.q'"; `part` may be null.
std::string describeStep(int64_t step, const char *part);

/// A thread that tells rank 0 every second, or four times within `timeout`, what this rank does, and rank 0 that it is
/// there. Where a rank ends without having finished, is silent for `timeout` seconds or fails, all others learn its
/// name and why.
class Monitor {
public:
  /// `onFailure` is told, from the thread. What this rank still does `grace` seconds later is cut off, unless it fails,
  /// too: the process ends with exit code 1 and the sentence.
  Monitor(const Mesh &mesh, double timeout, double grace, std::function<void(const std::string &)> onFailure);
  /// Tells the others that this rank has finished, where `succeed` was called, else why it failed.
  ~Monitor();
  Monitor(const Monitor &) = delete;

  /// What is done from now on, for messages: "all-to-all of 64 bytes".
  void doing(const std::string &what);
  /// The same of a step of training, "step 12, 'layers.q'", where `part` is constant, or null. Allocates nothing.
  void doing(int64_t step, const char *part);
  /// This rank has nothing more to do with the others.
  void succeed();
  /// This rank ends with an error, which the others are told. It may take its time, for it waits for nobody.
  void fail(const std::string &message);

private:
  struct Rank {
    std::string doing;
    Deadline latest; // by when it is to be heard from
    bool hasFinished = false;
  };

  void work();
  bool isInStep();
  std::string whatIsDone();
  void hear(int rank);
  void lose(int rank, const std::string &how);
  void spread(const std::string &why);
  void tell(const nlohmann::json &message);
  void tellOwnFailure();

  const Mesh &mesh;
  double timeout, grace, interval; // the last between two words to rank 0
  std::function<void(const std::string &)> onFailure;
  std::vector<Rank> others; // whom this rank hears from: all at rank 0, rank 0 elsewhere
  std::mutex mutex;         // of what follows
  std::string own = "the start";
  int64_t step = -1;          // or what `own` says
  const char *part = nullptr; // of the step
  std::string failure;
  bool isOwn = false, isTold = false; // the failure is this rank's; the others know
  bool hasSucceeded = false;
  Deadline cutOff = Deadline::max();
  std::atomic<bool> isOver{false};
  std::thread worker;
};

} // namespace nc
