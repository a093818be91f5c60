// Which of several processes that train together this one is.
#pragma once

#include <string>

namespace nc {

struct RankPlace {
  int rank = 0, ranks = 1;
  int local = 0;                     // among the ranks of this host
  std::string address = "127.0.0.1"; // of rank 0
  int port = 0;                      // that rank 0 listens on
  int listener = -1;                 // a file that does already, of who started this rank 0; -1 where there is none
  std::string source;                // who says so, "torchrun"; "" where nobody does and this is the only one
};

/// Tells the rank 0 that a process starts which of its files listens.
constexpr const char *kListener = "NANOCHAT_LISTENER";

/// What the environment says, of the first of these that set it: RANK and WORLD_SIZE, as torchrun does; Open MPI's
/// mpirun; PMI, as MPICH's; SLURM's srun. MASTER_ADDR and MASTER_PORT say where rank 0 is; without a port it is 29500,
/// and the job's own of the thousand from there on where a launcher names jobs. Fails (exit 2) where that is not whole,
/// naming the variable.
RankPlace findRankPlace();

/// The first host of a list as SLURM writes it: "gpu[03-07,9],b" begins with gpu03.
std::string firstHost(const std::string &nodes);

} // namespace nc
