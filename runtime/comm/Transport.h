// Collectives: bytes that all ranks exchange while others compute. What they mean is for kernels: nothing is added
// here.
#pragma once

#include "runtime/comm/Mesh.h"
#include <algorithm>
#include <memory>

namespace nc {

enum class Collective {
  allToAll,  // piece r of `from` goes to rank r, and becomes the piece of this rank there
  allGather, // `from`, one piece, goes to all
  broadcast  // that of rank 0 goes to all
};
const char *collectiveName(Collective kind);

/// `total` bytes cut into pieces of `bytes`, one for each rank: the last are shorter, or empty.
struct Pieces {
  int64_t bytes, total;
  int64_t of(int rank) const { return std::clamp<int64_t>(total - rank * bytes, 0, bytes); }
  /// Equal ones.
  static Pieces equal(int64_t bytes, int ranks) { return {bytes, bytes * ranks}; }
  bool operator==(const Pieces &other) const { return bytes == other.bytes && total == other.total; }
};

/// The ranks that exchange something: every `stride`-th from `first` on. In their order they are numbered from 0.
struct Group {
  int first, stride, members;
  static Group all(int ranks) { return {0, 1, ranks}; }
  /// That of a rank, where each `members`·`stride` consecutive ranks are `stride` groups.
  static Group around(int rank, int members, int stride) {
    return {rank / (members * stride) * (members * stride) + rank % stride, stride, members};
  }
  int rankOf(int number) const { return first + number * stride; }
  int numberOf(int rank) const { return (rank - first) / stride; }
  bool has(int rank) const { return rank >= first && (rank - first) % stride == 0 && numberOf(rank) < members; }
};

class Transport {
public:
  static constexpr int kLanes = 32;

  virtual ~Transport() = default;
  /// Starts a collective of `group`, which this rank is of, on a lane that has none under way; all ranks start the
  /// same, each of its own group, in the same order. Ranks are the numbers of those of the group here: of an
  /// all-to-all, pieces are those of `from`, and `to` has `pieces.bytes` for each rank, zeros behind a shorter piece;
  /// of an all-gather those of `to`; of a broadcast there is one, `total` bytes. Allocates nothing.
  virtual void start(Collective kind, const Group &group, const void *from, void *to, Pieces pieces, int lane) = 0;
  /// Returns once `to` is whole and `from` may be written to. Fails (exit 1) where a rank has ended, was not heard from
  /// for the timeout, or exchanges something else, and names it.
  virtual void finish(int lane) = 0;
  /// From another thread: exchanges that are under way, and those that come, fail with this sentence.
  virtual void abort(const std::string &why) = 0;
  /// Seconds without a byte after which a rank is lost, from now on.
  virtual void setTimeout(double seconds) = 0;
  /// Bytes that went to other ranks so far.
  virtual int64_t sentBytes() const = 0;
  /// Over what: "TCP".
  virtual std::string name() const = 0;
};

/// What a rank, of `ranks` in its group, has of `to` itself: its own piece, and zeros behind those of others.
void copyOwnPiece(Collective kind, int rank, int ranks, const void *from, void *to, Pieces pieces);
/// The bytes that go from one rank of a group to another, by their numbers in it, and those of `from` and of `to` in
/// front of them.
struct Passage {
  int64_t bytes, from, to;
};
Passage passage(Collective kind, Pieces pieces, int sender, int receiver);

/// Fails (exit 1) where there is no such lane.
void checkLane(int lane);
/// Fails (exit 1) where an exchange on a lane is under way, as `isTaken` says.
void checkFree(int lane, bool isTaken);

/// By name, as --comm takes it: "shm" of one host, "tcp", "mpi", "auto" for the first of these that all ranks can have.
/// (NCCL is no transport: Exchanges.h.) `timeout`: seconds without a byte after which a rank is lost.
std::unique_ptr<Transport> makeTransport(const std::string &comm, const Mesh &mesh, double timeout);

} // namespace nc
