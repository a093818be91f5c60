#include "runtime/comm/ChannelTransport.h"
#include "runtime/files/Errors.h"
#include <algorithm>
#include <cstring>

namespace nc {

ChannelTransport::ChannelTransport(const Mesh &mesh, ChannelKind kind, double timeout)
    : mesh(mesh), kind(kind), channels(makeChannels(kind, mesh, timeout)), timeout(timeout),
      sending(size_t(mesh.ranks())), receiving(size_t(mesh.ranks())), worker([this] { work(); }) {}

ChannelTransport::~ChannelTransport() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    isOver = true;
  }
  changed.notify_all();
  worker.join();
}

void ChannelTransport::start(Collective kind, const Group &group, const void *from, void *to, Pieces pieces, int lane) {
  copyOwnPiece(kind, group.numberOf(mesh.rank()), group.members, from, to, pieces);
  {
    std::lock_guard<std::mutex> lock(mutex);
    checkLane(lane);
    if (numbers[size_t(lane)] > done)
      failRun(format("lane %d of the ranks is taken", lane));
    operations[started % kLanes] = {kind, group, static_cast<const char *>(from), static_cast<char *>(to), pieces};
    numbers[size_t(lane)] = ++started;
    if (mesh.ranks() == 1)
      done = started;
  }
  changed.notify_all();
}

void ChannelTransport::finish(int lane) {
  std::unique_lock<std::mutex> lock(mutex);
  checkLane(lane);
  // After a failure the worker may still be copying: buffers are the caller's again once it has stopped.
  changed.wait(lock, [&] { return done >= numbers[size_t(lane)] || (!failure.empty() && !isMoving); });
  if (done < numbers[size_t(lane)])
    failRun(failure, "what that rank printed says why");
}

bool ChannelTransport::sends(const Operation &operation, int rank) const {
  return operation.group.has(rank) && (operation.kind != Collective::broadcast || mesh.rank() == operation.group.first);
}
bool ChannelTransport::receives(const Operation &operation, int rank) const {
  return operation.group.has(rank) && (operation.kind != Collective::broadcast || rank == operation.group.first);
}

void ChannelTransport::fail(const std::string &why) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (failure.empty())
      failure = why;
  }
  changed.notify_all();
}

template <typename Byte> std::pair<Byte *, int64_t> ChannelTransport::restOf(Flow &flow, Byte *piece, int64_t bytes) {
  if (flow.done < kHeader)
    return {reinterpret_cast<char *>(&flow.header) + flow.done, kHeader - flow.done};
  return {piece + flow.done - kHeader, bytes + kHeader - flow.done};
}

/// Whether bytes went to `rank`, of collectives below `limit`.
bool ChannelTransport::send(int rank, uint64_t limit) {
  Flow &flow = sending[size_t(rank)];
  bool moved = false;
  while (flow.number < limit) {
    const Operation &next = operation(flow.number);
    if (!sends(next, rank)) {
      ++flow.number, moved = true;
      continue;
    }
    if (flow.done == 0)
      flow.header = {flow.number, next.pieces, int64_t(next.kind)};
    Passage piece = passageOf(next, mesh.rank(), rank);
    auto [at, bytes] = restOf(flow, next.from + piece.from, piece.bytes);
    int64_t count = channels[size_t(rank)]->trySend(at, bytes);
    if (count < 0)
      fail(format("%s has ended, in %s", mesh.describe(rank).c_str(), collectiveName(next.kind)));
    if (count <= 0)
      return moved;
    sent += flow.done < kHeader ? 0 : count;
    flow.done += count, moved = true;
    if (flow.done == piece.bytes + kHeader)
      ++flow.number, flow.done = 0;
  }
  return moved;
}

/// Whether bytes came from `rank`.
bool ChannelTransport::receive(int rank, uint64_t limit) {
  Flow &flow = receiving[size_t(rank)];
  bool moved = false;
  while (flow.number < limit) {
    const Operation &next = operation(flow.number);
    if (!receives(next, rank)) {
      ++flow.number, moved = true;
      continue;
    }
    Passage piece = passageOf(next, rank, mesh.rank());
    auto [at, bytes] = restOf(flow, next.to + piece.to, piece.bytes);
    int64_t count = channels[size_t(rank)]->tryReceive(at, bytes);
    if (count < 0)
      fail(format("%s has ended, in %s", mesh.describe(rank).c_str(), collectiveName(next.kind)));
    if (count <= 0)
      return moved;
    flow.done += count, moved = true;
    const Header &header = flow.header;
    if (flow.done == kHeader &&
        (header.number != flow.number || !(header.pieces == next.pieces) || header.kind != int64_t(next.kind))) {
      fail(format("%s exchanges %lld bytes as number %llu where this rank expects %lld bytes as number %llu, in %s",
                  mesh.describe(rank).c_str(), wide(header.pieces.total), wide(header.number), wide(next.pieces.total),
                  wide(flow.number), collectiveName(next.kind)));
      return moved;
    }
    if (flow.done == piece.bytes + kHeader)
      ++flow.number, flow.done = 0;
  }
  return moved;
}

bool ChannelTransport::progress(uint64_t limit) {
  bool moved = false;
  for (int rank = 0; rank < mesh.ranks(); ++rank)
    if (rank != mesh.rank()) {
      moved |= send(rank, limit);
      moved |= receive(rank, limit);
    }
  return moved;
}

uint64_t ChannelTransport::doneByAll() const {
  uint64_t least = started;
  for (int rank = 0; rank < mesh.ranks(); ++rank)
    if (rank != mesh.rank())
      least = std::min({least, sending[size_t(rank)].number, receiving[size_t(rank)].number});
  return least;
}

/// The rank whose bytes are waited for.
int ChannelTransport::slowest() const {
  int slowest = mesh.rank() == 0 ? 1 : 0;
  for (int rank = 0; rank < mesh.ranks(); ++rank)
    if (rank != mesh.rank() && receiving[size_t(rank)].number < receiving[size_t(slowest)].number)
      slowest = rank;
  return slowest;
}

void ChannelTransport::work() {
  constexpr int kSpins = 200;
  int idle = 0;
  auto lastByte = std::chrono::steady_clock::now();
  for (;;) {
    uint64_t limit;
    {
      std::unique_lock<std::mutex> lock(mutex);
      bool isBusy = done < started && failure.empty();
      if (!isBusy) {
        changed.wait(lock, [&] { return isOver || (done < started && failure.empty()); });
        lastByte = std::chrono::steady_clock::now();
      }
      if (isOver)
        return;
      limit = started;
      isMoving = true;
    }
    bool moved = progress(limit);
    {
      std::lock_guard<std::mutex> lock(mutex);
      isMoving = false;
      uint64_t now = doneByAll();
      bool isNews = now != done || !failure.empty();
      done = now;
      if (isNews)
        changed.notify_all();
    }
    if (moved) {
      idle = 0;
      lastByte = std::chrono::steady_clock::now();
      continue;
    }
    if (++idle > kSpins)
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    else
      std::this_thread::yield();
    double most = timeout;
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - lastByte).count() > most)
      fail(format("%s was not heard from for %g s", mesh.describe(slowest()).c_str(), most));
  }
}

} // namespace nc
