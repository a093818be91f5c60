#include "runtime/comm/MpiTransport.h"
#include "runtime/files/Errors.h"
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>

namespace nc {

static constexpr const char *kShimFile = "libnanochat_mpi.so";

/// Where the shim may be: first what the user names, then beside the program, then as the system finds it.
static void *loadShim(std::string &why) {
  std::error_code unknown;
  std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", unknown);
  const char *named = getenv("NANOCHAT_MPI");
  std::vector<std::string> places = {(own.parent_path() / kShimFile).string(), kShimFile};
  if (named && *named)
    places = {named};
  for (const std::string &place : places) {
    // MPI's own parts look for its symbols among those of the process.
    if (void *library = dlopen(place.c_str(), RTLD_NOW | RTLD_GLOBAL))
      return library;
    if (const char *error = dlerror(); why.empty() || std::filesystem::exists(place, unknown))
      why = error;
  }
  return nullptr;
}

template <typename Function> void MpiTransport::find(Function &function, const char *name) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (!function)
    failInput(format("the MPI shim has no function '%s'", name), "print it again with this program and compile that");
}

void MpiTransport::check(int error, const char *what) const {
  if (!error)
    return;
  char text[512] = "";
  describe(error, text, sizeof(text));
  failRun(format("MPI fails in %s: %s", what, text), "another rank may have ended: see what it printed");
}

MpiTransport::MpiTransport(const Mesh &mesh) : mesh(mesh) {
  std::string why;
  library = loadShim(why);
  if (!library)
    failInput(
        "--comm=mpi needs the shim for this machine's MPI: " + why,
        "comm --mpi-shim > nanochat_mpi.c; mpicc -shared -fPIC -O2 -o libnanochat_mpi.so nanochat_mpi.c, beside the "
        "program or named by NANOCHAT_MPI");
  find(begin, "nanochat_mpi_begin"), find(send, "nanochat_mpi_send"), find(receive, "nanochat_mpi_receive"),
      find(wait, "nanochat_mpi_finish");
  find(end, "nanochat_mpi_end"), find(describe, "nanochat_mpi_describe");
  const auto *lanes = static_cast<const int *>(dlsym(library, "nanochat_mpi_lanes"));
  if (!lanes || *lanes < kLanes)
    failInput("the MPI shim is of another version of this program", "print it again with this one and compile that");
  int rank = 0, ranks = 0;
  check(begin(&rank, &ranks), "MPI_Init");
  if (rank != mesh.rank() || ranks != mesh.ranks())
    failInput(format("MPI says rank %d of %d, the environment rank %d of %d", rank, ranks, mesh.rank(), mesh.ranks()),
              "start the ranks with the mpirun of the MPI that the shim was compiled with");
}

MpiTransport::~MpiTransport() {
  if (end && !isAborted)
    end();
}

void MpiTransport::start(Collective kind, const Group &group, const void *from, void *to, Pieces pieces, int lane) {
  checkLane(lane);
  checkFree(lane, isTaken[lane]);
  isTaken[lane] = true;
  int own = group.numberOf(mesh.rank());
  copyOwnPiece(kind, own, group.members, from, to, pieces);
  for (int other = 0; other < group.members; ++other) {
    if (other == own)
      continue;
    Passage in = passage(kind, pieces, other, own), out = passage(kind, pieces, own, other);
    int rank = group.rankOf(other);
    check(receive(static_cast<char *>(to) + in.to, in.bytes, rank, lane), collectiveName(kind));
    check(send(static_cast<const char *>(from) + out.from, out.bytes, rank, lane), collectiveName(kind));
    sent += out.bytes;
  }
}

void MpiTransport::finish(int lane) {
  checkLane(lane);
  check(wait(lane), "an exchange");
  isTaken[lane] = false;
}

} // namespace nc
