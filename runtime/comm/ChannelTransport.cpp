#include "runtime/comm/ChannelTransport.h"
#include "runtime/files/Errors.h"
#include <algorithm>
#include <cstring>

namespace nc {

ChannelTransport::ChannelTransport(const Mesh &mesh, ChannelKind kind, double timeout)
    : mesh(mesh), kind(kind), channels(makeChannels(kind, mesh, timeout)), timeout(timeout),
      sending(size_t(mesh.ranks())), receiving(size_t(mesh.ranks())) {
  for (Operation &operation : operations)
    operation.progress.resize(size_t(mesh.ranks()));
  worker = std::thread([this] { work(); });
}

ChannelTransport::~ChannelTransport() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    isOver = true;
  }
  changed.notify_all();
  worker.join();
}

bool ChannelTransport::Operation::isDone() const {
  return std::all_of(progress.begin(), progress.end(), [](const Progress &p) { return p.isSent && p.isReceived; });
}

void ChannelTransport::start(Collective kind, const Group &group, const void *from, void *to, Pieces pieces, int lane) {
  checkLane(lane);
  copyOwnPiece(kind, group.numberOf(mesh.rank()), group.members, from, to, pieces);
  {
    std::lock_guard<std::mutex> lock(mutex);
    checkFree(lane, underWay >> lane & 1);
    Operation &next = operations[size_t(lane)];
    next.number = started + 1, next.kind = kind, next.group = group, next.pieces = pieces;
    next.from = static_cast<const char *>(from), next.to = static_cast<char *>(to);
    bool isBroadcast = kind == Collective::broadcast, isFirst = mesh.rank() == group.first;
    for (int rank = 0; rank < mesh.ranks(); ++rank) {
      bool takesPart = rank != mesh.rank() && group.has(rank);
      next.progress[size_t(rank)] = {0, 0, !takesPart || (isBroadcast && !isFirst),
                                     !takesPart || (isBroadcast && rank != group.first)};
    }
    ++started;
    if (!next.isDone())
      underWay |= Lanes(1) << lane;
  }
  changed.notify_all();
}

void ChannelTransport::finish(int lane) {
  checkLane(lane);
  std::unique_lock<std::mutex> lock(mutex);
  auto isUnderWay = [&] { return underWay >> lane & 1; };
  // After a failure the worker may still be copying: buffers are the caller's again once it has stopped.
  changed.wait(lock, [&] { return !isUnderWay() || (!failure.empty() && !isMoving); });
  if (isUnderWay())
    failRun(failure, "what that rank printed says why");
}

void ChannelTransport::fail(const std::string &why) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (failure.empty())
      failure = why;
  }
  changed.notify_all();
}

bool ChannelTransport::nextPart(Part &part, int rank, Lanes lanes) {
  int64_t least = 0;
  part.isOpen = false, part.done = 0;
  for (int lane = 0; lane < kLanes; ++lane) {
    const Operation &operation = operations[size_t(lane)];
    if (!(lanes >> lane & 1) || operation.progress[size_t(rank)].isSent)
      continue;
    int64_t offset = operation.progress[size_t(rank)].sent;
    int64_t left = passageOf(operation, mesh.rank(), rank).bytes - offset;
    if (part.isOpen && left >= least)
      continue;
    least = left, part.isOpen = true;
    part.header = {operation.number, operation.pieces, int64_t(operation.kind), lane, offset, std::min(left, kPart)};
  }
  return part.isOpen;
}

/// Whether bytes went to `rank`.
bool ChannelTransport::send(int rank, Lanes lanes) {
  Part &part = sending[size_t(rank)];
  bool moved = false;
  while (part.isOpen || nextPart(part, rank, lanes)) {
    Operation &operation = operations[size_t(part.header.lane)];
    const char *piece = operation.from + passageOf(operation, mesh.rank(), rank).from + part.header.offset;
    bool isHeader = part.done < kHeader;
    const char *at = isHeader ? reinterpret_cast<const char *>(&part.header) + part.done : piece + part.done - kHeader;
    int64_t bytes = isHeader ? kHeader - part.done : kHeader + part.header.bytes - part.done;
    int64_t count = bytes ? channels[size_t(rank)]->trySend(at, bytes) : 0;
    if (count < 0)
      fail(format("%s has ended, in %s", mesh.describe(rank).c_str(), collectiveName(operation.kind)));
    if (count < 0 || (count == 0 && bytes))
      return moved;
    sent += isHeader ? 0 : count;
    part.done += count, moved = true;
    if (part.done < kHeader + part.header.bytes)
      continue;
    Progress &progress = operation.progress[size_t(rank)];
    progress.sent += part.header.bytes;
    progress.isSent = progress.sent == passageOf(operation, mesh.rank(), rank).bytes;
    part.isOpen = false;
  }
  return moved;
}

bool ChannelTransport::accept(Part &part, int rank, Lanes lanes) {
  const Header &header = part.header;
  if (header.number > started)
    return false;
  bool isLane = header.lane >= 0 && header.lane < kLanes;
  const Operation &own = operations[size_t(isLane ? header.lane : 0)];
  bool isUnderWay = isLane && (lanes >> header.lane & 1);
  if (isLane && !isUnderWay && own.number == header.number && !own.isDone())
    return false; // started since the worker looked
  part.isOpen = isUnderWay && own.number == header.number && own.pieces == header.pieces &&
                int64_t(own.kind) == header.kind && own.progress[size_t(rank)].received == header.offset &&
                header.bytes >= 0 && header.offset + header.bytes <= passageOf(own, rank, mesh.rank()).bytes;
  if (!part.isOpen)
    fail(format("%s exchanges %lld bytes as number %llu where this rank expects %lld bytes as number %llu, in %s",
                mesh.describe(rank).c_str(), wide(header.pieces.total), wide(header.number), wide(own.pieces.total),
                wide(own.number), collectiveName(own.kind)));
  return part.isOpen;
}

bool ChannelTransport::isExpected(int rank, Lanes lanes) const {
  for (int lane = 0; lane < kLanes; ++lane)
    if ((lanes >> lane & 1) && !operations[size_t(lane)].progress[size_t(rank)].isReceived)
      return true;
  return false;
}

/// Whether bytes came from `rank`.
bool ChannelTransport::receive(int rank, Lanes lanes) {
  Part &part = receiving[size_t(rank)];
  bool moved = false;
  while (isExpected(rank, lanes)) { // else it may have ended, as others do
    if (part.done == kHeader && !part.isOpen && !accept(part, rank, lanes)) {
      waitsForOwn = true;
      return moved;
    }
    Operation &operation = operations[size_t(part.isOpen ? part.header.lane : 0)];
    Progress &progress = operation.progress[size_t(rank)];
    bool isHeader = part.done < kHeader;
    char *at =
        isHeader ? reinterpret_cast<char *>(&part.header) + part.done
                 : operation.to + passageOf(operation, rank, mesh.rank()).to + part.header.offset + part.done - kHeader;
    int64_t bytes = isHeader ? kHeader - part.done : kHeader + part.header.bytes - part.done;
    int64_t count = bytes ? channels[size_t(rank)]->tryReceive(at, bytes) : 0;
    if (count < 0)
      fail(format("%s has ended, in %s", mesh.describe(rank).c_str(), collectiveName(operation.kind)));
    if (count < 0 || (count == 0 && bytes))
      return moved;
    part.done += count, moved = true;
    if (!part.isOpen || part.done < kHeader + part.header.bytes)
      continue;
    progress.received += part.header.bytes;
    progress.isReceived = progress.received == passageOf(operation, rank, mesh.rank()).bytes;
    part.isOpen = false, part.done = 0;
  }
  return moved;
}

bool ChannelTransport::progress(Lanes lanes) {
  bool moved = false;
  waitsForOwn = false;
  for (int rank = 0; rank < mesh.ranks(); ++rank)
    if (rank != mesh.rank()) {
      moved |= send(rank, lanes);
      moved |= receive(rank, lanes);
    }
  return moved;
}

/// The rank whose bytes are waited for.
int ChannelTransport::slowest(Lanes lanes) const {
  for (int rank = 0; rank < mesh.ranks(); ++rank)
    if (isExpected(rank, lanes))
      return rank;
  return mesh.rank() == 0 ? 1 : 0;
}

void ChannelTransport::work() {
  constexpr int kSpins = 200;
  int idle = 0;
  auto lastByte = std::chrono::steady_clock::now();
  for (;;) {
    Lanes lanes;
    {
      std::unique_lock<std::mutex> lock(mutex);
      bool isBusy = underWay && failure.empty();
      if (!isBusy) {
        changed.wait(lock, [&] { return isOver || (underWay && failure.empty()); });
        lastByte = std::chrono::steady_clock::now();
      }
      if (isOver)
        return;
      lanes = underWay;
      isMoving = true;
    }
    bool moved = progress(lanes);
    {
      std::lock_guard<std::mutex> lock(mutex);
      isMoving = false;
      Lanes before = underWay;
      for (int lane = 0; lane < kLanes; ++lane)
        if ((lanes >> lane & 1) && operations[size_t(lane)].isDone())
          underWay &= ~(Lanes(1) << lane);
      if (underWay != before || !failure.empty())
        changed.notify_all();
    }
    if (moved || waitsForOwn)
      lastByte = std::chrono::steady_clock::now();
    if (moved) {
      idle = 0;
      continue;
    }
    if (++idle > kSpins)
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    else
      std::this_thread::yield();
    double most = timeout;
    if (std::chrono::duration<double>(std::chrono::steady_clock::now() - lastByte).count() > most)
      fail(format("%s was not heard from for %g s", mesh.describe(slowest(lanes)).c_str(), most));
  }
}

} // namespace nc
