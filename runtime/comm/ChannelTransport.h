// Collectives over channels: streams of parts, of whichever exchanges are under way. What has least left goes first, so
// that small ones do not wait for large ones that were started before.
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
  /// What is put in front of a part of a piece.
  struct Header {
    uint64_t number; // of the collective, from 1 on
    Pieces pieces;
    int64_t kind, lane;
    int64_t offset, bytes; // of the part
  };
  static constexpr int64_t kHeader = sizeof(Header), kPart = 1 << 18;
  /// The part that is on its way to another rank, or from it, and how much of it is there, its header first.
  struct Part {
    Header header = {};
    int64_t done = 0;
    bool isOpen = false; // its header is complete
  };
  /// What went to another rank, and came from it; nothing is left once that is all there is.
  struct Progress {
    int64_t sent = 0, received = 0;
    bool isSent = true, isReceived = true;
  };
  struct Operation {
    uint64_t number = 0;
    Collective kind = Collective::allToAll;
    Group group = Group::all(1);
    const char *from = nullptr;
    char *to = nullptr;
    Pieces pieces = {};
    std::vector<Progress> progress; // by rank
    bool isDone() const;
  };
  using Lanes = uint32_t; // a bit for each
  static_assert(kLanes <= 32);

  void work();
  bool progress(Lanes lanes);
  bool send(int rank, Lanes lanes);
  bool receive(int rank, Lanes lanes);
  /// Is anything under way that comes from there, and has not yet?
  bool isExpected(int rank, Lanes lanes) const;
  /// Begins with a part to `rank` of what has least left; false where nothing has.
  bool nextPart(Part &part, int rank, Lanes lanes);
  /// Looks at a header that has come; false where what it is of has not been started here.
  bool accept(Part &part, int rank, Lanes lanes);
  Passage passageOf(const Operation &operation, int sender, int receiver) const {
    return passage(operation.kind, operation.pieces, operation.group.numberOf(sender),
                   operation.group.numberOf(receiver));
  }
  int slowest(Lanes lanes) const;
  void fail(const std::string &why);

  const Mesh &mesh;
  ChannelKind kind;
  std::vector<std::unique_ptr<Channel>> channels;
  std::atomic<double> timeout;
  std::vector<Part> sending, receiving;     // by rank; the worker's
  std::array<Operation, kLanes> operations; // the worker's while their lane is under way
  Lanes underWay = 0;
  std::atomic<uint64_t> started{0};
  std::atomic<int64_t> sent{0};
  std::string failure;
  bool isMoving = false;    // the worker, bytes of buffers that are others'
  bool waitsForOwn = false; // what came last is of what this rank has not started: others are not late
  bool isOver = false;
  std::mutex mutex;
  std::condition_variable changed;
  std::thread worker;
};

} // namespace nc
