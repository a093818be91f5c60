#include "tools/nanochat-opt/Distribution.h"
#include "runtime/files/Errors.h"
#include "tools/nanochat-opt/Categories.h"

using namespace mlir;
using namespace mlir::nanochat;
namespace cl = llvm::cl;

namespace {
cl::opt<int64_t>
    ranks("ranks", cl::cat(compiling), cl::init(1), cl::value_desc("N"),
          cl::desc("Processes that train together, each on its part of every step's sequences; the program "
                   "starts them with train --ranks=N, or torchrun, mpirun or srun does"));
cl::opt<int64_t>
    together("tensor", cl::cat(compiling), cl::init(1), cl::value_desc("2|4|8"),
             cl::desc("Ranks that compute a batch together, each with its heads, hidden channels and words"));
cl::opt<int64_t>
    ways("ways", cl::cat(compiling), cl::init(0), cl::value_desc("N"),
         cl::desc("Sums of gradients that a step has, one for each rank (or group of --tensor) by default; results "
                  "are the same bits for every number of ranks that divides it"));
cl::opt<std::string>
    sharing("shard", cl::cat(compiling), cl::init("none"), cl::value_desc("none|states|weights"),
            cl::desc("What each rank owns a part of, not all: layers, or rows, of parameters with their gradients, "
                     "states and updates; with weights, layers are gathered one by one for use. Results are the "
                     "same bits"));
cl::opt<std::string>
    network("network", cl::cat(looking), cl::value_desc("latency,bandwidth[,ranks,latency,bandwidth]"),
            cl::desc("With --plan: the way between ranks, as comm of a program measures it, such as 50us,1.2GB; tells "
                     "times of exchanges, and of a step on more ranks"));
cl::opt<std::string>
    overlap("overlap", cl::cat(compiling), cl::init("on"), cl::value_desc("on|off"),
            cl::desc("Whether ranks exchange gradients while they compute others. Results are the same bits"));
} // namespace

Distribution mlir::nanochat::chooseDistribution() {
  constexpr int64_t kMost = 4096; // what plans tell of
  auto isCount = [](int64_t number) { return number >= 1 && number <= kMost; };
  if (!isCount(ranks) || (ways.getNumOccurrences() && !isCount(ways)))
    nc::failInput("--ranks and --ways are numbers from 1 to " + std::to_string(kMost),
                  "write them as in --ranks=2 --ways=4");
  const int64_t tensor = together;
  if (tensor != 1 && tensor != 2 && tensor != 4 && tensor != 8)
    nc::failInput("--tensor=" + std::to_string(tensor) + " is no such number of ranks", "it is 2, 4 or 8");
  int64_t all = ranks.getNumOccurrences() ? int64_t(ranks) : tensor, groups = all / tensor;
  if (all % tensor)
    nc::failInput("--tensor=" + std::to_string(tensor) + " does not divide --ranks=" + std::to_string(all),
                  "ranks are groups of as many as --tensor says; leave --ranks out for one group");
  Distribution chosen{all, tensor, ways.getNumOccurrences() ? int64_t(ways) : groups, sharing, overlap == "on"};
  if (chosen.ways % groups)
    nc::failInput("--ways=" + std::to_string(ways) + " is no multiple of " +
                      (tensor > 1 ? std::to_string(groups) + " groups of ranks" : "--ranks=" + std::to_string(ranks)),
                  "each rank computes as many of the sums of a step as the others");
  if (sharing != "none" && sharing != "states" && sharing != "weights")
    nc::failInput("--shard=" + sharing + " is not known", "it is none, states or weights");
  if (sharing != "none" && tensor > 1)
    nc::failInput("--shard=" + sharing + " and --tensor exclude each other", "leave one of them out");
  if (sharing != "none" && ranks == 1)
    nc::failInput("--shard=" + sharing + " shares parameters out among ranks, of which there is one",
                  "add --ranks=2, for instance");
  if (overlap != "on" && overlap != "off")
    nc::failInput("--overlap=" + overlap + " is not known", "it is on or off");
  return chosen;
}

bool mlir::nanochat::isShardGiven() { return sharing.getNumOccurrences() > 0; }

std::optional<Network> mlir::nanochat::chooseNetwork(bool isPlan) {
  if (!network.getNumOccurrences())
    return std::nullopt;
  std::optional<Network> chosen = parseNetwork(network);
  if (!chosen || !isPlan)
    nc::failInput(isPlan ? "--network=" + network + " is no way between ranks" : "--network goes with --plan",
                  "write it as in --plan --network=50us,1.2GB, or 50us,1.2GB,8,6us,2.8GB for 8 ranks on each host");
  return chosen;
}
