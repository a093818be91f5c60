#include "runtime/comm/Monitor.h"
#include "runtime/files/Errors.h"
#include "runtime/program/AllocationCounter.h"
#include <cstdio>
#include <poll.h>
#include <unistd.h>

namespace nc {

static constexpr double kMostBeat = 1; // seconds

Monitor::Monitor(const Mesh &mesh, double timeout, double grace, std::function<void(const std::string &)> onFailure)
    : mesh(mesh), timeout(timeout), grace(grace), interval(std::min(kMostBeat, timeout / 4)),
      onFailure(std::move(onFailure)), others(size_t(mesh.rank() == 0 ? mesh.ranks() : 1)), worker([this] { work(); }) {
}

Monitor::~Monitor() {
  isOver = true;
  worker.join();
  if (failure.empty() && !hasSucceeded)
    failure = "ended before it had finished", isOwn = true;
  if (failure.empty())
    tell({{"finished", true}});
  tellOwnFailure();
}

void Monitor::doing(const std::string &what) {
  std::lock_guard<std::mutex> lock(mutex);
  own = what;
  step = -1;
}

void Monitor::doing(int64_t newStep, const char *newPart) {
  std::lock_guard<std::mutex> lock(mutex);
  step = newStep;
  part = newPart;
}

std::string describeStep(int64_t step, const char *part) {
  return format("step %lld", wide(step)) + (part ? format(", '%s'", part) : "");
}

bool Monitor::isInStep() {
  std::lock_guard<std::mutex> lock(mutex);
  return step >= 0;
}

std::string Monitor::whatIsDone() {
  std::lock_guard<std::mutex> lock(mutex);
  return step < 0 ? own : describeStep(step, part);
}

/// To all others at rank 0, else to rank 0, which tells them.
void Monitor::tell(const nlohmann::json &message) {
  for (int rank = 0; rank < int(others.size()); ++rank)
    if (rank != mesh.rank() && !others[size_t(rank)].hasFinished)
      mesh.control(rank).send(message);
}

void Monitor::tellOwnFailure() {
  std::string message;
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (!isOwn || isTold)
      return;
    isTold = true;
    bool isOfAnother = failure.rfind("rank ", 0) == 0;
    message = isOfAnother ? failure : mesh.describe(mesh.rank()) + ": " + failure;
  }
  tell({{"failure", message}});
}

void Monitor::spread(const std::string &why) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (!failure.empty())
      return;
    failure = why;
    cutOff = after(grace);
  }
  if (mesh.rank() == 0)
    tell({{"failure", why}});
  onFailure(why);
}

void Monitor::succeed() {
  std::lock_guard<std::mutex> lock(mutex);
  hasSucceeded = true;
}

void Monitor::fail(const std::string &message) {
  std::lock_guard<std::mutex> lock(mutex);
  cutOff = Deadline::max(); // what is still to be saved may take longer
  if (failure.empty())      // else that of another, which all know
    failure = message, isOwn = true;
}

void Monitor::lose(int rank, const std::string &how) {
  // Ranks go through steps together, and what another was heard to do may be a second old.
  std::string what = isInStep() ? whatIsDone() : others[size_t(rank)].doing;
  others[size_t(rank)].hasFinished = true;
  spread(mesh.describe(rank) + how + (what.empty() ? "" : " in " + what));
}

/// Reads what another rank says.
void Monitor::hear(int rank) {
  Rank &other = others[size_t(rank)];
  nlohmann::json message = mesh.control(rank).receive(after(kMostBeat));
  if (!message.is_object())
    return lose(rank, " ended");
  other.latest = after(timeout);
  if (message.contains("finished"))
    other.hasFinished = true;
  else if (message.contains("failure"))
    spread(field(message, "failure", std::string("another rank failed")));
  else
    other.doing = field(message, "doing", std::string());
}

void Monitor::work() {
  exemptThread();
  for (Rank &other : others)
    other.latest = after(timeout);
  Deadline beat = std::chrono::steady_clock::now();
  while (!isOver) {
    tellOwnFailure();
    if (std::chrono::steady_clock::now() >= beat) {
      tell({{"doing", whatIsDone()}});
      beat = after(interval);
    }
    std::vector<pollfd> waiting;
    std::vector<int> ranks;
    for (int rank = 0; rank < int(others.size()); ++rank)
      if (rank != mesh.rank() && !others[size_t(rank)].hasFinished) {
        waiting.push_back({mesh.control(rank).fd(), POLLIN, 0});
        ranks.push_back(rank);
      }
    poll(waiting.data(), waiting.size(), int(std::clamp(500 * interval, 1.0, 100.0)));
    for (size_t i = 0; i < waiting.size(); ++i)
      if (waiting[i].revents)
        hear(ranks[i]);
      else if (std::chrono::steady_clock::now() > others[size_t(ranks[i])].latest)
        lose(ranks[i], format(" was not heard from for %g s", timeout));
    std::lock_guard<std::mutex> lock(mutex);
    if (std::chrono::steady_clock::now() > cutOff) {
      fprintf(stderr, "error: %s\n", failure.c_str());
      _exit(1);
    }
  }
}

} // namespace nc
