#include "runtime/commands/OnRanks.h"
#include "runtime/device/CudaDriver.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Processors.h"
#include "runtime/program/Program.h"
#include <algorithm>
#include <cstdio>

namespace nc {

static void checkCount(const nc_program &program, int started) {
  int64_t needs = sizeOr(program, "ranks", 1);
  if (started == needs)
    return;
  std::string start = format("start %lld with --ranks=%lld", wide(needs), wide(needs));
  if (started == 1)
    start += ", or by torchrun, mpirun or srun";
  else
    start = format("compile it with nanochat-opt --ranks=%d, or ", started) + (needs == 1 ? "start one" : start);
  failInput(format("the program is for %lld rank%s, %d %s started", wide(needs), needs == 1 ? "" : "s", started,
                   started == 1 ? "was" : "were"),
            start);
}

/// Gives each of several ranks of a host its part of the processors.
static void shareProcessors(const Ranks &ranks, SessionOptions &options, bool isThreadsGiven) {
  int here = ranks.countHere(), place = ranks.placeHere();
  if (here == 1)
    return;
  if (!isThreadsGiven)
    options.threads = std::max(1, options.threads / here);
  if (!options.isPinned)
    return;
  std::vector<int> all = allowedProcessors();
  auto end = [&](int part) { return all.begin() + int64_t(all.size()) * part / here; };
  if (std::vector<int> own(end(place), end(place + 1)); !own.empty())
    runOn(own);
}

/// Gives each a GPU of its own, unless the user says which one. Fails (exit 2) in all where two would share one.
static void shareGpus(Ranks &ranks, SessionOptions &options) {
  CudaDriver driver;
  int devices = 0, here = ranks.countHere();
  bool isChosen = options.device.find(':') != std::string::npos;
  std::string problem;
  if (!isChosen && driver.load() && !driver.init(0) && !driver.deviceCount(&devices) && devices) {
    options.device = format("cuda:%d", ranks.placeHere());
    if (devices < here)
      problem =
          format("has %d GPU%s for %d ranks, of which two would share one", devices, devices == 1 ? "" : "s", here);
  }
  if (std::string said = ranks.firstToSay(problem); !said.empty())
    throw AgreedError(ExitCode::BadInput, (problem == said ? "this host " : "") + said,
                      "start as many as there are GPUs; --device=cuda:0 says that all take that one");
}

Facts factsOf(const nc_program &program, const RankOptions &ranks, const SessionOptions &session) {
  std::string sizes, scalars;
  for (int32_t i = 0; i < program.n_sizes; ++i)
    sizes += format("%s%s=%lld", i ? " " : "", program.sizes[i].name, wide(program.sizes[i].value));
  for (const auto &[name, value] : givenScalars(session))
    scalars += (scalars.empty() ? "" : " ") + name + "=" + shortest(value);
  return {{"program", program.ir_hash},
          {"target", program.target},
          {"sizes", sizes},
          {"--comm", ranks.comm},
          {"--scalar", scalars.empty() ? "none" : scalars}};
}

void runOnRanks(const nc_program &program, const RankedOptions &options,
                const std::function<Facts(bool isFirst)> &prepare, const std::function<void(Ranks &)> &body) {
  if (options.ranks.comm == "nccl" && !program.device[0])
    failInput(format("--comm=nccl is between GPUs, and %s is none", program.target), "--comm=auto takes what there is");
  RankPlace place = findRankPlace();
  checkLaunch(options.ranks, place);
  checkCount(program, place.source.empty() ? std::max(1, options.ranks.ranks) : place.ranks);
  if (runRanksHere(options.ranks))
    return;
  if (place.rank > 0 && !freopen("/dev/null", "w", stdout))
    failRun("cannot open /dev/null");
  Facts facts = prepare(place.rank == 0);
  Ranks ranks(place, options.ranks, facts);
  ranks.run([&] {
    shareProcessors(ranks, options.session, options.isThreadsGiven());
    if (program.device[0])
      shareGpus(ranks, options.session);
    body(ranks);
  });
}

} // namespace nc
