// The processes that train together, as commands and programs see them: who they are, exchanges, and one end for all.
#pragma once

#include "runtime/Abi.h"
#include "runtime/comm/Monitor.h"
#include "runtime/comm/Transport.h"
#include "runtime/files/Errors.h"
#include <array>
#include <functional>

namespace nc {

struct RankOptions {
  int ranks = 0; // processes to start here; 0 for as many as the environment says
  std::string comm = "auto";
  double timeout = 120;    // seconds
  bool savesAtEnd = false; // the first saves what was reached where another fails, once it has heard of it
};

/// Fails (exit 2) where --ranks is given to a process that a launcher has started.
void checkLaunch(const RankOptions &options, const RankPlace &place);
/// Runs this command as the processes that --ranks asks for, if it asks for several. Returns whether it did and all
/// ended well; ends this process with the code of the first that failed.
bool runRanksHere(const RankOptions &options);

/// What all ranks fail with at once, so that none has to be told.
class AgreedError : public Error {
public:
  using Error::Error;
};

class Ranks {
public:
  /// One that has nobody to talk to.
  Ranks() = default;
  /// Finds the others. Fails as Mesh and makeTransport do. Until `settle` the others may be five times as slow.
  Ranks(const RankPlace &place, const RankOptions &options, const Facts &facts);
  Ranks(const Ranks &) = delete;
  Ranks &operator=(const Ranks &) = delete;

  int rank() const { return mesh ? mesh->rank() : 0; }
  int count() const { return mesh ? mesh->ranks() : 1; }
  /// Whether this is the one that prints and writes files.
  bool isFirst() const { return rank() == 0; }
  /// How many are of this host, and how many of these come before this one.
  int countHere() const { return mesh ? mesh->ranksHere() : 1; }
  int placeHere() const { return mesh ? mesh->placeHere() : 0; }
  /// "rank 1 (host b)".
  std::string describe(int rank) const;
  /// Of several: for bytes of the host.
  Transport &transport() { return *exchange; }
  /// How ranks are to exchange, as --comm says it.
  const std::string &comm() const { return wanted; }

  /// Does all that is to be done together; where that fails here, the others fail, too, and say so.
  void run(const std::function<void()> &body);
  /// This rank fails, though it may still save what it has; others are told, unless they fail with it.
  void fail(const std::exception &problem);

  /// What is done from now on, for messages of others.
  void doing(const std::string &what);
  void doing(int64_t newStep);
  /// The first step is done: from now on all are as fast as they will be.
  void settle();

  /// `from` of each, in their order, in `to`. Allocates nothing.
  void gather(const void *from, void *to, int64_t bytes);
  /// The same, which only the first then has in `to`; it may take its time with what came before.
  void collect(const void *from, void *to, int64_t bytes);
  /// What the first says, in all.
  template <typename Value> Value ofFirst(Value value) {
    std::vector<Value> all(static_cast<size_t>(count()));
    gather(&value, all.data(), sizeof(value));
    return all[0];
  }
  std::string textOfFirst(const std::string &text); // of at most 1023 bytes
  /// Does it, and fails in all where it fails in one, as the first that failed.
  void attempt(const std::function<void()> &body);
  /// Whether an exchange failed, so that no other will succeed.
  bool isBroken() const { return broken; }
  /// Returns once the first is here, however long what it does takes.
  void waitForFirst();
  /// What the first of those whose text is not empty says, with its name where it is another; "" if none says anything.
  std::string firstToSay(const std::string &text);
  /// Fails (exit 2) in all, with the same words, where values differ: "rank 1 (host b) resumes at step 0, rank 0 (host
  /// a) at 10" of `says` "resumes at step" and `brief` "at".
  void compare(const char *says, const char *brief, const std::string &value, const std::string &note);

  /// The ranks that this one exchanges something of a program with.
  Group groupOf(const nc_collective &collective) const;
  /// For nc_start and nc_finish.
  void start(const nc_collective &collective, const void *from, void *to, int lane, const char *source);
  void finish(int lane);
  /// Bytes that a program sent so far.
  int64_t sentBytes() const;

  // For exchanges of a program that go another way than this host's memory.

  /// The program has sent so many bytes.
  void addSent(int64_t bytes) { otherBytes += bytes; }
  /// What is waited for from now on, "layers.q"; it is constant, or null for nothing.
  void waitingFor(const char *source);
  /// Seconds after which a rank that is not heard from is lost.
  double timeoutNow() const { return timeout; }
  /// Why another rank's failure ends this one; "" while there is none.
  std::string failureOfOthers();
  /// Is told from another thread, or this one, that all is to end; null for nobody.
  void onAbort(std::function<void()> told);
  /// The sentence for an exchange that failed, for `source` or for none: what others said, where that is known.
  std::string describeFailure(const std::string &why, const char *source);

private:
  /// What each says, by rank, cut off where it is long.
  std::vector<std::string> gatherTexts(const std::string &text);
  void abort(const std::string &why);
  /// An exchange that is no program's.
  void exchangeOwn(Collective kind, const void *from, void *to, Pieces pieces);
  /// Does what waits for what others do, however long that takes: the monitor watches them.
  void patiently(const std::function<void()> &body);

  std::unique_ptr<Mesh> mesh; // none of one rank, as what follows
  std::unique_ptr<Transport> exchange;
  std::mutex mutex;
  std::string heard; // why the monitor ended exchanges
  std::function<void()> toldOfAbort;
  std::unique_ptr<Monitor> monitor; // ends before what it uses
  double timeout = 0;               // in force
  bool broken = false;
  double usualTimeout = 0;
  int64_t step = 0, ownBytes = 0, otherBytes = 0; // sent by `gather`; by a program on another way
  std::string wanted;
  std::array<const char *, Transport::kLanes> sources = {};
};

} // namespace nc
