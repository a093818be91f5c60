// Collectives over channels: streams in which all that goes from one rank to another has an order.
#pragma once

#include "runtime/comm/Channel.h"
#include "runtime/comm/Transport.h"
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace nc {

/// A thread of its own moves the bytes.
class ChannelTransport : public Transport {
public:
  ChannelTransport(const Mesh &mesh, ChannelKind kind, double timeout);
  ~ChannelTransport() override;
  ChannelTransport(const ChannelTransport &) = delete;

  void start(Collective kind, const Group &group, const void *from, void *to, Pieces pieces, int lane) override;
  void finish(int lane) override;
  void abort(const std::string &why) override { fail(why); }
  void setTimeout(double seconds) override { timeout = seconds; }
  int64_t sentBytes() const override { return sent; }
  std::string name() const override { return kind == ChannelKind::shm ? "shared memory" : "TCP"; }

private:
  /// What is put in front of a piece.
  struct Header {
    uint64_t number; // of the collective
    Pieces pieces;
    int64_t kind;
  };
  static constexpr int64_t kHeader = sizeof(Header);
  /// How far what goes to one rank, or comes from it, is.
  struct Flow {
    uint64_t number = 0; // of the collective that is under way
    int64_t done = 0;    // bytes of it, those of its header first
    Header header = {};
  };
  struct Operation {
    Collective kind = Collective::allToAll;
    Group group = Group::all(1);
    const char *from = nullptr;
    char *to = nullptr;
    Pieces pieces = {};
  };

  void work();
  bool progress(uint64_t limit);
  bool send(int rank, uint64_t limit);
  bool receive(int rank, uint64_t limit);
  /// What is next of the header, then of a piece of `bytes`, and how much of it there is.
  template <typename Byte> static std::pair<Byte *, int64_t> restOf(Flow &flow, Byte *piece, int64_t bytes);
  Passage passageOf(const Operation &operation, int sender, int receiver) const {
    return passage(operation.kind, operation.pieces, operation.group.numberOf(sender),
                   operation.group.numberOf(receiver));
  }
  bool sends(const Operation &operation, int rank) const;
  bool receives(const Operation &operation, int rank) const;
  const Operation &operation(uint64_t number) const { return operations[number % kLanes]; }
  uint64_t doneByAll() const;
  int slowest() const;
  void fail(const std::string &why);

  const Mesh &mesh;
  ChannelKind kind;
  std::vector<std::unique_ptr<Channel>> channels;
  std::atomic<double> timeout;
  std::vector<Flow> sending, receiving;      // by rank; the worker's
  std::array<Operation, kLanes> operations;  // those under way follow each other, as all streams are in order
  std::array<uint64_t, kLanes> numbers = {}; // by lane, of its last one, from 1 on
  uint64_t started = 0, done = 0;
  std::atomic<int64_t> sent{0};
  std::string failure;
  bool isMoving = false; // the worker, bytes of buffers that are others'
  bool isOver = false;
  std::mutex mutex;
  std::condition_variable changed;
  std::thread worker;
};

} // namespace nc
