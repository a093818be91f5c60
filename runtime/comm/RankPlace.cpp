#include "runtime/comm/RankPlace.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Numbers.h"
#include "runtime/program/Philox.h"
#include <cstdlib>
#include <optional>

namespace nc {

namespace {
/// The variables of a launcher.
struct Launcher {
  const char *name, *rank, *ranks, *local;
  const char *nodes, *job; // a list of hosts, and what no other run has; null where it says none
};
} // namespace

static constexpr Launcher kLaunchers[] = {
    {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", nullptr, nullptr},
    {"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", nullptr,
     "PMIX_NAMESPACE"},
    {"PMI", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", nullptr, "PMI_JOBID"},
    {"SLURM", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NODELIST", "SLURM_JOB_ID"},
};
static constexpr int kPort = 29500, kPorts = 1000, kMostRanks = 1 << 16;

static std::optional<std::string> variable(const char *name) {
  const char *text = getenv(name);
  return text && *text ? std::optional<std::string>(text) : std::nullopt;
}

/// The integer in [low, high] that `name` holds, `missing` where it is not set.
static int numberOf(const char *name, int low, int high, std::optional<int> missing, const char *launcher) {
  std::optional<std::string> text = variable(name);
  if (!text && missing)
    return *missing;
  std::optional<int> number = text ? parseInteger<int>(*text) : std::nullopt;
  if (!number || *number < low || *number > high)
    failInput(
        format("%s is %s, expected a number from %d to %d", name, text ? ("'" + *text + "'").c_str() : "not set", low,
               high),
        format("it belongs to the environment of %s; without a launcher, --ranks=4 starts processes here", launcher));
  return *number;
}

std::string firstHost(const std::string &nodes) {
  std::string host;
  for (size_t i = 0; i < nodes.size() && nodes[i] != ','; ++i) {
    if (nodes[i] != '[') {
      host += nodes[i];
      continue;
    }
    size_t end = nodes.find_first_of("-,]", i + 1);
    host += nodes.substr(i + 1, end == std::string::npos ? end : end - i - 1);
    i = nodes.find(']', i);
    if (i == std::string::npos)
      break;
  }
  return host;
}

RankPlace findRankPlace() {
  for (const Launcher &by : kLaunchers) {
    // SLURM says most of it to whoever has an allocation; a rank is a process of a step.
    bool isSet = by.nodes ? variable(by.rank) && variable("SLURM_STEP_ID") : variable(by.rank) || variable(by.ranks);
    if (!isSet)
      continue;
    RankPlace place;
    place.source = by.name;
    place.ranks = numberOf(by.ranks, 1, kMostRanks, std::nullopt, by.name);
    place.rank = numberOf(by.rank, 0, place.ranks - 1, std::nullopt, by.name);
    place.local = numberOf(by.local, 0, kMostRanks, place.rank, by.name);
    // Runs that meet on a host have different ports, all ranks of one the same.
    std::optional<std::string> job = by.job ? variable(by.job) : std::nullopt;
    int usual = kPort + (job ? int(streamId(*job) % kPorts) : 0);
    place.port = numberOf("MASTER_PORT", 1, 65535, usual, by.name);
    place.listener = place.rank == 0 ? numberOf(kListener, 0, 1 << 20, -1, by.name) : -1;
    std::optional<std::string> address = variable("MASTER_ADDR");
    std::optional<std::string> nodes = by.nodes ? variable(by.nodes) : std::nullopt;
    if (address || nodes)
      place.address = address ? *address : firstHost(*nodes);
    return place;
  }
  return {};
}

} // namespace nc
