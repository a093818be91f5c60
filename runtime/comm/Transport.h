// Collectives: bytes that all ranks exchange, moved by a thread while others compute. What they mean is for kernels:
// nothing is added here.
#pragma once

#include "runtime/comm/Channel.h"
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace nc {

enum class Collective {
  allToAll,  // piece r of `from` goes to rank r, and becomes the piece of this rank there
  allGather, // `from`, one piece, goes to all
  broadcast  // that of rank 0 goes to all
};
const char *collectiveName(Collective kind);

class Transport {
public:
  static constexpr int kLanes = 8;

  /// `timeout`: seconds without a byte after which a rank is lost.
  Transport(const Mesh &mesh, std::vector<std::unique_ptr<Channel>> channels, double timeout);
  ~Transport();
  Transport(const Transport &) = delete;

  /// Starts a collective of pieces of `bytes` on a lane that has none under way; all ranks start the same in the same
  /// order. `to` has a piece for each rank, of a broadcast one. Allocates nothing.
  void start(Collective kind, const void *from, void *to, int64_t bytes, int lane);
  /// Returns once `to` is whole and `from` may be written to. Fails (exit 1) where a rank has ended, was not heard from
  /// for the timeout, or exchanges something else, and names it.
  void finish(int lane);

  /// Bytes that went to other ranks so far.
  int64_t sentBytes() const { return sent; }

private:
  /// What is put in front of a piece.
  struct Header {
    uint64_t number; // of the collective
    int64_t bytes;
    int64_t kind;
  };
  /// How far what goes to one rank, or comes from it, is.
  struct Flow {
    uint64_t number = 0; // of the collective that is under way
    int64_t done = 0;    // bytes of it, those of its header first
    Header header = {};
  };
  struct Operation {
    Collective kind = Collective::allToAll;
    const char *from = nullptr;
    char *to = nullptr;
    int64_t bytes = 0;
  };

  void work();
  bool progress(uint64_t limit);
  bool send(int rank, uint64_t limit);
  bool receive(int rank, uint64_t limit);
  bool sends(const Operation &operation, int rank) const;
  bool receives(const Operation &operation, int rank) const;
  const Operation &operation(uint64_t number) const { return operations[number % kLanes]; }
  uint64_t doneByAll() const;
  int slowest() const;
  void fail(const std::string &why);

  const Mesh &mesh;
  std::vector<std::unique_ptr<Channel>> channels;
  double timeout;
  std::vector<Flow> sending, receiving;      // by rank; the worker's
  std::array<Operation, kLanes> operations;  // those under way follow each other, as all streams are in order
  std::array<uint64_t, kLanes> numbers = {}; // by lane, of its last one, from 1 on
  uint64_t started = 0, done = 0;
  std::atomic<int64_t> sent{0};
  std::string failure;
  bool isOver = false;
  std::mutex mutex;
  std::condition_variable changed;
  std::thread worker;
};

} // namespace nc
