#include "runtime/comm/Transport.h"
#include "runtime/comm/ChannelTransport.h"
#include "runtime/comm/MpiTransport.h"
#include "runtime/files/Errors.h"
#include <cstring>

namespace nc {

const char *collectiveName(Collective kind) {
  static const char *const names[] = {"all-to-all", "all-gather", "broadcast"};
  return names[size_t(kind)];
}

void copyOwnPiece(Collective kind, int rank, const void *from, void *to, int64_t bytes) {
  if (kind == Collective::broadcast && rank != 0)
    return;
  memmove(static_cast<char *>(to) + (kind == Collective::broadcast ? 0 : rank * bytes),
          static_cast<const char *>(from) + (kind == Collective::allToAll ? rank * bytes : 0), size_t(bytes));
}

void checkLane(int lane) {
  if (lane < 0 || lane >= Transport::kLanes)
    failRun(format("ranks have lanes 0 to %d, not %d", Transport::kLanes - 1, lane));
}

std::unique_ptr<Transport> makeTransport(const std::string &comm, const Mesh &mesh, double timeout) {
  if (comm == "mpi")
    return std::make_unique<MpiTransport>(mesh);
  if (comm != "auto" && comm != "shm" && comm != "tcp")
    failInput("--comm=" + comm + " is not known", "it is auto, shm, tcp or mpi");
  bool sharesMemory = mesh.isOfOneHost();
  if (comm == "shm" && !sharesMemory)
    failInput("--comm=shm: the ranks are of several hosts, which share no memory", "--comm=tcp is for these");
  ChannelKind kind = comm != "tcp" && sharesMemory ? ChannelKind::shm : ChannelKind::tcp;
  return std::make_unique<ChannelTransport>(mesh, kind, timeout);
}

} // namespace nc
