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

Passage passage(Collective kind, Pieces pieces, int sender, int receiver) {
  switch (kind) {
  case Collective::allToAll:
    return {pieces.of(receiver), receiver * pieces.bytes, sender * pieces.bytes};
  case Collective::allGather:
    return {pieces.of(sender), 0, sender * pieces.bytes};
  case Collective::broadcast:
    break;
  }
  return {sender == 0 ? pieces.total : 0, 0, 0};
}

void copyOwnPiece(Collective kind, int rank, int ranks, const void *from, void *to, Pieces pieces) {
  Passage own = passage(kind, pieces, rank, rank);
  memmove(static_cast<char *>(to) + own.to, static_cast<const char *>(from) + own.from, size_t(own.bytes));
  for (int sender = 0; kind == Collective::allToAll && own.bytes < pieces.bytes && sender < ranks; ++sender)
    memset(static_cast<char *>(to) + sender * pieces.bytes + own.bytes, 0, size_t(pieces.bytes - own.bytes));
}

void checkLane(int lane) {
  if (lane < 0 || lane >= Transport::kLanes)
    failRun(format("ranks have lanes 0 to %d, not %d", Transport::kLanes - 1, lane));
}

void checkFree(int lane, bool isTaken) {
  if (isTaken)
    failRun(format("lane %d of the ranks is taken", lane));
}

std::unique_ptr<Transport> makeTransport(const std::string &comm, const Mesh &mesh, double timeout) {
  if (comm == "mpi")
    return std::make_unique<MpiTransport>(mesh);
  if (comm != "auto" && comm != "shm" && comm != "tcp")
    failInput("--comm=" + comm + " is not known", "it is auto, shm, tcp, mpi or nccl");
  bool sharesMemory = mesh.isOfOneHost();
  if (comm == "shm" && !sharesMemory)
    failInput("--comm=shm: the ranks are of several hosts, which share no memory", "--comm=tcp is for these");
  ChannelKind kind = comm != "tcp" && sharesMemory ? ChannelKind::shm : ChannelKind::tcp;
  return std::make_unique<ChannelTransport>(mesh, kind, timeout);
}

} // namespace nc
