#include "runtime/comm/KnownContent.h"
#include "runtime/comm/MpiTransport.h"
#include "runtime/commands/Commands.h"
#include "runtime/commands/Options.h"
#include "runtime/files/Errors.h"
#include <CLI/CLI.hpp>
#include <cmath>

namespace nc {

namespace {
struct CommOptions {
  RankOptions ranks;
  int64_t most = int64_t(1) << 24; // bytes of a piece
  int64_t rounds = 1;
  bool isJson = false, printsShim = false;
};

/// One collective of pieces of one size.
struct Timing {
  Collective kind;
  int64_t bytes;
  double seconds; // a call
};

/// Sends known bytes around and measures how long that takes.
class Trial {
public:
  Trial(Ranks &ranks, int64_t most) : ranks(ranks), most(most), from(size_t(most * ranks.count())), to(from.size()) {}

  /// Of all collectives, with pieces from 8 bytes to the most.
  std::vector<Timing> times() {
    std::vector<Timing> timings;
    for (Collective kind : {Collective::allToAll, Collective::allGather, Collective::broadcast}) {
      for (int64_t bytes = 8; bytes < most; bytes *= 8)
        timings.push_back(time(kind, bytes));
      timings.push_back(time(kind, most));
    }
    return timings;
  }

private:
  Timing time(Collective kind, int64_t bytes) {
    ranks.doing(format("%s of %lld bytes", collectiveName(kind), wide(bytes)));
    check(kind, bytes);
    // As many in all ranks: what some 64 MiB take, between 5 and 1000.
    int64_t calls = std::clamp<int64_t>((int64_t(1) << 26) / std::max<int64_t>(1, bytes * ranks.count()), 5, 1000);
    auto begin = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < calls; ++i)
      call(kind, bytes);
    std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    return {kind, bytes, taken.count() / double(calls)};
  }

  void call(Collective kind, int64_t bytes) {
    Pieces pieces = kind == Collective::broadcast ? Pieces{bytes, bytes} : Pieces::equal(bytes, ranks.count());
    ranks.transport().start(kind, Group::all(ranks.count()), from.data(), to.data(), pieces, 0);
    ranks.transport().finish(0);
  }

  /// Fails (exit 1) where other bytes come than were sent.
  void check(Collective kind, int64_t bytes) {
    int own = ranks.rank(), count = ranks.count();
    bool isForAll = kind != Collective::allToAll;
    for (int rank = 0; rank < (isForAll ? 1 : count); ++rank)
      for (int64_t i = 0; i < bytes; ++i)
        from[size_t(rank * bytes + i)] = knownByte(own, isForAll ? 0 : rank, i);
    std::fill(to.begin(), to.end(), 0);
    call(kind, bytes);
    for (int rank = 0; rank < (kind == Collective::broadcast ? 1 : count); ++rank)
      for (int64_t i = 0; i < bytes; ++i)
        if (to[size_t(rank * bytes + i)] != knownByte(rank, isForAll ? 0 : own, i))
          failRun(format("byte %lld that came from %s in %s of %lld bytes is wrong", wide(i),
                         ranks.describe(rank).c_str(), collectiveName(kind), wide(bytes)),
                  "the way between these ranks does not carry what is sent: try --comm=tcp");
  }

  Ranks &ranks;
  int64_t most; // bytes of a piece
  std::vector<char> from, to;
};
} // namespace

/// Of each, the faster one of two rounds; the first may be empty.
static std::vector<Timing> fastest(std::vector<Timing> before, std::vector<Timing> now) {
  for (size_t i = 0; i < before.size(); ++i)
    now[i].seconds = std::min(now[i].seconds, before[i].seconds);
  return now;
}

/// Bytes that a rank sends in a call.
static double sentIn(const Timing &timing, int ranks) { return double(timing.bytes) * (ranks - 1); }

static void print(const std::vector<Timing> &timings, int ranks, const char *channels, bool isJson) {
  const Timing *small = &timings.front(), *large = small; // of the first collective
  for (const Timing &timing : timings)
    if (timing.kind == small->kind)
      large = &timing;
  double latency = small->seconds, bandwidth = sentIn(*large, ranks) / large->seconds;
  if (isJson) {
    nlohmann::ordered_json all = {
        {"ranks", ranks}, {"channels", channels}, {"latency_s", latency}, {"bytes_per_s", bandwidth}};
    for (const Timing &timing : timings)
      all["calls"].push_back(
          {{"collective", collectiveName(timing.kind)}, {"bytes", timing.bytes}, {"seconds", timing.seconds}});
    printf("%s\n", all.dump(2).c_str());
    return;
  }
  printf("%d ranks over %s; every byte came as it was sent\n\n%-12s %12s %14s %12s\n", ranks, channels, "collective",
         "piece, bytes", "a call, us", "GB/s a rank");
  for (const Timing &timing : timings)
    printf("%-12s %12lld %14.1f %12.3f\n", collectiveName(timing.kind), wide(timing.bytes), 1e6 * timing.seconds,
           1e-9 * sentIn(timing, ranks) / timing.seconds);
  printf("\nlatency %.1f us, bandwidth %.3f GB/s a rank\n", 1e6 * latency, 1e-9 * bandwidth);
}

static void runComm(const nc_program &program, const CommOptions &options) {
  if (options.printsShim) {
    fputs(kMpiShim, stdout);
    return;
  }
  if (options.ranks.comm == "nccl")
    failInput("--comm=nccl: what is tried is how hosts exchange bytes, NCCL is between GPUs",
              "train with it: every two ranks exchange known bytes through it before the first step");
  RankPlace place = findRankPlace();
  checkLaunch(options.ranks, place);
  if (runRanksHere(options.ranks))
    return;
  if (place.ranks == 1)
    failInput("one rank has nobody to talk to",
              "--ranks=4 starts four processes here; so does torchrun, mpirun or srun");
  Ranks ranks(place, options.ranks,
              {{"program", program.ir_hash},
               {"--bytes", std::to_string(options.most)},
               {"--rounds", std::to_string(options.rounds)},
               {"--comm", options.ranks.comm}});
  ranks.settle();
  std::vector<Timing> timings;
  ranks.run([&] {
    Trial trial(ranks, options.most);
    for (int64_t round = 0; round < options.rounds; ++round)
      timings = fastest(std::move(timings), trial.times());
  });
  if (ranks.isFirst())
    print(timings, ranks.count(), ranks.transport().name().c_str(), options.isJson);
}

void addCommCommand(CLI::App &app, const nc_program &program) {
  auto options = std::make_shared<CommOptions>();
  CLI::App *command =
      app.add_subcommand("comm", "Try how fast ranks exchange bytes, and whether they arrive as they were sent");
  addRankOptions(*command, options->ranks, /*least=*/2);
  command->add_option("--bytes", options->most, "Of the largest piece")
      ->transform(integerIn(1, kMostAtOnce))
      ->capture_default_str();
  command->add_flag("--mpi-shim", options->printsShim,
                    "Print the C source that --comm=mpi needs, for this machine's mpicc");
  command->add_option("--rounds", options->rounds, "How often all is tried; more find ways that fail now and then")
      ->transform(integerIn(1, kMostAtOnce))
      ->capture_default_str();
  command->add_flag("--json", options->isJson, "Print one JSON object");
  command->callback([options, &program] { runComm(program, *options); });
}

} // namespace nc
