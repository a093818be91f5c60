// Rings of bytes in memory that two processes share: one writes and moves `written`, the other reads and moves `read`.
#include "runtime/comm/Channel.h"
#include "runtime/files/Errors.h"
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace nc {

namespace {
struct Ring {
  alignas(64) std::atomic<uint64_t> written;
  alignas(64) std::atomic<uint64_t> read;
  alignas(64) char bytes[kRingBytes];
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);

/// A ring, mapped; the name goes with `unlink`.
class SharedRing {
public:
  SharedRing(const std::string &name, bool isOwn) : name(name) {
    int handle = shm_open(name.c_str(), isOwn ? O_RDWR | O_CREAT | O_EXCL : O_RDWR, 0600);
    if (handle < 0)
      failRun("cannot share memory '" + name + "': " + strerror(errno));
    // Pages are taken now: later there would be a signal instead of an error.
    int error = isOwn ? posix_fallocate(handle, 0, sizeof(Ring)) : 0;
    void *memory = error ? MAP_FAILED : mmap(nullptr, sizeof(Ring), PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
    close(handle);
    if (memory == MAP_FAILED) {
      if (isOwn)
        shm_unlink(name.c_str());
      failInput(format("/dev/shm has no %lld bytes left for one of the rings of two ranks: %s",
                       wide(int64_t(sizeof(Ring))), strerror(error ? error : errno)),
                "make it larger (mount -o remount,size=1G /dev/shm; --shm-size of containers), or take --comm=tcp");
    }
    ring = static_cast<Ring *>(memory);
  }
  ~SharedRing() { munmap(ring, sizeof(Ring)); }
  SharedRing(const SharedRing &) = delete;

  void unlink() const { shm_unlink(name.c_str()); }
  Ring *operator->() const { return ring; }

private:
  std::string name;
  Ring *ring = nullptr;
};

class ShmChannel : public Channel {
public:
  ShmChannel(const std::string &from, const std::string &to, const Socket &socket)
      : own(std::make_unique<SharedRing>(from, true)), otherName(to), socket(socket) {}
  ~ShmChannel() override {
    if (own && !isShared)
      own->unlink();
  }
  /// Once the other rank has made its ring.
  void open() { other = std::make_unique<SharedRing>(otherName, false); }
  /// Once it has opened this one's.
  void forgetName() {
    own->unlink();
    isShared = true;
  }

  int64_t trySend(const void *from, int64_t bytes) override {
    Ring &ring = *own->operator->();
    uint64_t at = ring.written.load(std::memory_order_relaxed);
    int64_t room = kRingBytes - int64_t(at - ring.read.load(std::memory_order_acquire));
    bytes = std::min(bytes, room);
    if (bytes == 0)
      return isEnded() ? -1 : 0;
    copy(at, bytes, [&](int64_t place, int64_t done, int64_t count) {
      memcpy(ring.bytes + place, static_cast<const char *>(from) + done, size_t(count));
    });
    ring.written.store(at + uint64_t(bytes), std::memory_order_release);
    return bytes;
  }
  int64_t tryReceive(void *to, int64_t bytes) override {
    Ring &ring = *other->operator->();
    uint64_t at = ring.read.load(std::memory_order_relaxed);
    auto there = [&] { return std::min(bytes, int64_t(ring.written.load(std::memory_order_acquire) - at)); };
    int64_t count = there();
    if (count == 0 && isEnded() && (count = there()) == 0) // what it wrote at last counts
      return -1;
    if (count == 0)
      return 0;
    bytes = count;
    copy(at, bytes, [&](int64_t place, int64_t done, int64_t count) {
      memcpy(static_cast<char *>(to) + done, ring.bytes + place, size_t(count));
    });
    ring.read.store(at + uint64_t(bytes), std::memory_order_release);
    return bytes;
  }

private:
  /// The run of `bytes` from `at` on, in one or two pieces of the ring.
  template <typename Copy> static void copy(uint64_t at, int64_t bytes, Copy piece) {
    int64_t place = int64_t(at % kRingBytes), first = std::min(bytes, kRingBytes - place);
    piece(place, 0, first);
    if (bytes > first)
      piece(0, first, bytes - first);
  }
  /// Asked now and then of the connection, which ends with the process; what it wrote before may still be read.
  bool isEnded() { return ++asked % 4096 == 0 && socket.isEnded(); }

  std::unique_ptr<SharedRing> own, other;
  std::string otherName;
  const Socket &socket;
  bool isShared = false;
  unsigned asked = 0;
};
} // namespace

std::vector<std::unique_ptr<Channel>> makeShmChannels(const Mesh &mesh, double timeout) {
  auto name = [&](int from, int to) { return format("/nanochat.%s.%d.%d", mesh.token().c_str(), from, to); };
  std::vector<std::unique_ptr<Channel>> channels(static_cast<size_t>(mesh.ranks()));
  std::vector<ShmChannel *> made;
  for (int rank = 0; rank < mesh.ranks(); ++rank)
    if (rank != mesh.rank()) {
      auto channel = std::make_unique<ShmChannel>(name(mesh.rank(), rank), name(rank, mesh.rank()), mesh.to(rank));
      made.push_back(channel.get());
      channels[size_t(rank)] = std::move(channel);
    }
  mesh.meet(timeout);
  for (ShmChannel *channel : made)
    channel->open();
  mesh.meet(timeout);
  for (ShmChannel *channel : made)
    channel->forgetName();
  return channels;
}

} // namespace nc
