#include "runtime/comm/Ranks.h"
#include "runtime/comm/Launch.h"
#include "runtime/files/Errors.h"
#include <cstdlib>
#include <cstring>

namespace nc {

static_assert(int(Collective::allToAll) == NC_ALL_TO_ALL && int(Collective::allGather) == NC_ALL_GATHER &&
              int(Collective::broadcast) == NC_BROADCAST);

void checkLaunch(const RankOptions &options, const RankPlace &place) {
  if (options.ranks && !place.source.empty())
    failInput(format("--ranks=%d within %s, which has started this process as rank %d of %d", options.ranks,
                     place.source.c_str(), place.rank, place.ranks),
              "leave --ranks out: the launcher says how many there are");
}

// How long ranks have to end where one has failed: to hear of it, and to save.
static constexpr double kHearing = 5, kSaving = 60; // seconds

bool runRanksHere(const RankOptions &options) {
  if (options.ranks <= 1)
    return false;
  double grace = options.savesAtEnd ? options.timeout + kSaving : kHearing;
  if (int code = runRanks(options.ranks, argumentsWithout("--ranks"), grace))
    exit(code); // the rank has said why
  return true;
}

Ranks::Ranks(const RankPlace &place, const RankOptions &options, const Facts &facts) {
  if (place.ranks == 1)
    return;
  mesh = std::make_unique<Mesh>(place, facts, options.timeout);
  usualTimeout = options.timeout;
  timeout = 5 * usualTimeout; // memory is touched and code is loaded for the first time
  exchange = makeTransport(options.comm, *mesh, timeout);
  // In a long step it takes as long until the next exchange.
  double grace = options.savesAtEnd && isFirst() ? std::max(kHearing, options.timeout) : kHearing;
  monitor = std::make_unique<Monitor>(*mesh, options.timeout, grace, [this](const std::string &why) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      heard = why;
    }
    exchange->abort(why);
  });
}

std::string Ranks::describe(int rank) const { return mesh ? mesh->describe(rank) : "the only rank"; }

void Ranks::run(const std::function<void()> &body) {
  try {
    body();
  } catch (const std::exception &error) {
    fail(error.what());
    throw;
  }
  if (monitor)
    monitor->succeed();
}

void Ranks::fail(const std::string &message) {
  if (!mesh)
    return;
  monitor->fail(message);
  exchange->abort(message);
}

void Ranks::doing(const std::string &what) {
  if (monitor)
    monitor->doing(what);
}

void Ranks::doing(int64_t newStep) {
  step = newStep;
  if (monitor)
    monitor->doing(step, nullptr);
}

void Ranks::settle() {
  timeout = usualTimeout;
  if (exchange)
    exchange->setTimeout(timeout);
}

void Ranks::gather(const void *from, void *to, int64_t bytes) {
  if (!exchange) {
    memmove(to, from, size_t(bytes));
    return;
  }
  int64_t before = exchange->sentBytes();
  exchange->start(Collective::allGather, from, to, bytes, 0);
  exchange->finish(0);
  ownBytes += exchange->sentBytes() - before;
}

void Ranks::waitForFirst() {
  if (!exchange)
    return;
  // What it does is watched by the monitor.
  constexpr double kForever = 1e9;
  exchange->setTimeout(kForever);
  char own = 0;
  std::vector<char> all(static_cast<size_t>(count()));
  gather(&own, all.data(), 1);
  exchange->setTimeout(timeout);
}

std::string Ranks::firstToSay(const std::string &text) {
  constexpr size_t kMost = 1024; // bytes of a text
  std::vector<char> own(kMost), all(kMost * size_t(count()));
  text.copy(own.data(), kMost - 1);
  gather(own.data(), all.data(), kMost);
  for (int other = 0; other < count(); ++other)
    if (std::string said = all.data() + kMost * size_t(other); !said.empty())
      return other == rank() ? text : describe(other) + ": " + said;
  return "";
}

void Ranks::compare(const char *says, const char *brief, const std::string &value, const std::string &note) {
  constexpr size_t kMost = 256; // bytes of a value
  std::vector<char> own(kMost), all(kMost * size_t(count()));
  value.copy(own.data(), kMost - 1);
  gather(own.data(), all.data(), kMost);
  for (int other = 1; other < count(); ++other)
    if (const char *theirs = all.data() + kMost * size_t(other); strcmp(theirs, all.data()))
      failInput(
          format("%s %s %s, %s %s %s", describe(other).c_str(), says, theirs, describe(0).c_str(), brief, all.data()),
          note);
}

void Ranks::start(const nc_collective &collective, const void *from, void *to, int lane, const char *source) {
  checkLane(lane);
  sources[size_t(lane)] = source;
  auto kind = Collective(collective.kind);
  if (exchange)
    exchange->start(kind, from, to, collective.bytes, lane);
  else
    copyOwnPiece(kind, 0, from, to, collective.bytes);
}

void Ranks::finish(int lane) {
  checkLane(lane);
  if (!exchange)
    return;
  const char *source = sources[size_t(lane)];
  monitor->doing(step, source);
  try {
    exchange->finish(lane);
  } catch (const Error &problem) {
    std::lock_guard<std::mutex> lock(mutex);
    if (problem.what() == heard) // which says more
      throw;
    throw Error(problem.code, problem.what() + (", " + describeStep(step, source)), problem.note);
  }
  monitor->doing(step, nullptr);
}

int64_t Ranks::sentBytes() const { return exchange ? exchange->sentBytes() - ownBytes : 0; }

} // namespace nc
