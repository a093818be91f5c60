#include "runtime/comm/Ranks.h"
#include "runtime/comm/Launch.h"
#include "runtime/files/Errors.h"
#include <cstdlib>
#include <cstring>
#include <optional>

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

Ranks::Ranks(const RankPlace &place, const RankOptions &options, const Facts &facts) : wanted(options.comm) {
  if (place.ranks == 1)
    return;
  mesh = std::make_unique<Mesh>(place, facts, options.timeout);
  usualTimeout = options.timeout;
  timeout = 5 * usualTimeout; // memory is touched and code is loaded for the first time
  // NCCL is for a program's exchanges between GPUs.
  exchange = makeTransport(options.comm == "nccl" ? "auto" : options.comm, *mesh, timeout);
  // In a long step it takes as long until the next exchange.
  double grace = options.savesAtEnd && isFirst() ? std::max(kHearing, options.timeout) : kHearing;
  monitor = std::make_unique<Monitor>(*mesh, options.timeout, grace, [this](const std::string &why) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      heard = why;
    }
    abort(why);
  });
}

void Ranks::abort(const std::string &why) {
  exchange->abort(why);
  std::lock_guard<std::mutex> lock(mutex);
  if (toldOfAbort)
    toldOfAbort();
}

void Ranks::onAbort(std::function<void()> told) {
  std::lock_guard<std::mutex> lock(mutex);
  toldOfAbort = std::move(told);
  if (toldOfAbort && !heard.empty())
    toldOfAbort();
}

std::string Ranks::failureOfOthers() {
  std::lock_guard<std::mutex> lock(mutex);
  return heard;
}

std::string Ranks::describe(int rank) const { return mesh ? mesh->describe(rank) : "the only rank"; }

void Ranks::run(const std::function<void()> &body) {
  try {
    body();
  } catch (const std::exception &problem) {
    fail(problem);
    throw;
  }
  if (monitor)
    monitor->succeed();
}

void Ranks::fail(const std::exception &problem) {
  if (!mesh)
    return;
  if (dynamic_cast<const AgreedError *>(&problem))
    return monitor->succeed(); // others may still hear what this rank said to all
  monitor->fail(problem.what());
  abort(problem.what());
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

void Ranks::exchangeOwn(Collective kind, const void *from, void *to, Pieces pieces) {
  int64_t before = exchange->sentBytes();
  broken = true; // should it not return
  exchange->start(kind, Group::all(count()), from, to, pieces, 0);
  exchange->finish(0);
  broken = false;
  ownBytes += exchange->sentBytes() - before;
}

void Ranks::patiently(const std::function<void()> &body) {
  constexpr double kForever = 1e9;
  if (exchange)
    exchange->setTimeout(kForever);
  body();
  if (exchange)
    exchange->setTimeout(timeout);
}

void Ranks::gather(const void *from, void *to, int64_t bytes) {
  if (exchange)
    exchangeOwn(Collective::allGather, from, to, Pieces::equal(bytes, count()));
  else
    memmove(to, from, size_t(bytes));
}

void Ranks::collect(const void *from, void *to, int64_t bytes) {
  // Of the pieces that all ranks send to all, only those to the first are not empty.
  if (exchange)
    patiently([&] { exchangeOwn(Collective::allToAll, from, to, {bytes, bytes}); });
  else
    memmove(to, from, size_t(bytes));
}

void Ranks::waitForFirst() {
  patiently([&] { ofFirst(char(0)); });
}

/// Bytes of a text that ranks exchange.
static constexpr size_t kMostText = 1024;

std::string Ranks::textOfFirst(const std::string &text) {
  std::array<char, kMostText> own = {};
  text.copy(own.data(), kMostText - 1);
  return ofFirst(own).data();
}

void Ranks::attempt(const std::function<void()> &body) {
  std::optional<AgreedError> own;
  try {
    body();
  } catch (const Error &problem) {
    own.emplace(problem.code, problem.what(), problem.note);
  } catch (const std::exception &problem) { // no memory, say
    own.emplace(ExitCode::RunFailed, problem.what(), "");
  }
  std::string said;
  patiently([&] { said = firstToSay(own ? own->what() : ""); });
  if (own && said == own->what())
    throw AgreedError(*own);
  if (!said.empty())
    throw AgreedError(ExitCode::RunFailed, said, "");
}

std::vector<std::string> Ranks::gatherTexts(const std::string &text) {
  std::vector<char> own(kMostText), all(kMostText * size_t(count()));
  text.copy(own.data(), kMostText - 1);
  gather(own.data(), all.data(), kMostText);
  std::vector<std::string> texts;
  for (int rank = 0; rank < count(); ++rank)
    texts.push_back(all.data() + kMostText * size_t(rank));
  return texts;
}

std::string Ranks::firstToSay(const std::string &text) {
  std::vector<std::string> texts = gatherTexts(text);
  for (int other = 0; other < count(); ++other)
    if (const std::string &said = texts[size_t(other)]; !said.empty())
      return other == rank() ? text : describe(other) + ": " + said;
  return "";
}

void Ranks::compare(const char *says, const char *brief, const std::string &value, const std::string &note) {
  std::vector<std::string> texts = gatherTexts(value);
  for (int other = 1; other < count(); ++other)
    if (const std::string &theirs = texts[size_t(other)]; theirs != texts[0])
      throw AgreedError(ExitCode::BadInput,
                        format("%s %s %s, %s %s %s", describe(other).c_str(), says, theirs.c_str(), describe(0).c_str(),
                               brief, texts[0].c_str()),
                        note);
}

Group Ranks::groupOf(const nc_collective &collective) const {
  return collective.members ? Group::around(rank(), collective.members, collective.stride) : Group::all(count());
}

void Ranks::start(const nc_collective &collective, const void *from, void *to, int lane, const char *source) {
  checkLane(lane);
  sources[size_t(lane)] = source;
  auto kind = Collective(collective.kind);
  Pieces pieces{collective.bytes, collective.total};
  if (exchange)
    exchange->start(kind, groupOf(collective), from, to, pieces, lane);
  else
    copyOwnPiece(kind, 0, 1, from, to, pieces);
}

void Ranks::finish(int lane) {
  checkLane(lane);
  if (!exchange)
    return;
  const char *source = sources[size_t(lane)];
  waitingFor(source);
  try {
    exchange->finish(lane);
  } catch (const Error &problem) {
    failRun(describeFailure(problem.what(), source), problem.note);
  }
  waitingFor(nullptr);
}

void Ranks::waitingFor(const char *source) { monitor->doing(step, source); }

std::string Ranks::describeFailure(const std::string &why, const char *source) {
  // What was heard says more.
  std::string others = failureOfOthers();
  return !others.empty() ? others : source ? why + ", " + describeStep(step, source) : why;
}

int64_t Ranks::sentBytes() const { return exchange ? exchange->sentBytes() - ownBytes + otherBytes : 0; }

} // namespace nc
