// Rings of bytes in memory that two processes share: one writes and moves `written`, the other reads and moves `read`.
#include "runtime/comm/Channel.h"
#include "runtime/files/Errors.h"
#include <algorithm>
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
  char *bytes() { return reinterpret_cast<char *>(this + 1); } // which follow
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);

/// A ring, mapped. It has no name, so that it goes with the processes that have it, however they end.
class SharedRing {
public:
  /// A new one of so many bytes; another process finds it among this one's open files until it is forgotten.
  explicit SharedRing(int64_t bytes)
      : size(sizeof(Ring) + size_t(bytes)), handle(memfd_create("nanochat ring", MFD_CLOEXEC)) {
    // Pages are taken now: later there would be a signal instead of an error.
    int error = handle < 0 ? errno : EINTR;
    while (handle >= 0 && error == EINTR)
      error = posix_fallocate(handle, 0, off_t(size));
    map(error);
  }
  /// That of another process.
  SharedRing(int64_t bytes, int process, int file)
      : size(sizeof(Ring) + size_t(bytes)), handle(open(place(process, file).c_str(), O_RDWR | O_CLOEXEC)) {
    map(handle < 0 ? errno : 0);
    forget();
  }
  ~SharedRing() {
    munmap(ring, size);
    forget();
  }
  SharedRing(const SharedRing &) = delete;

  static bool isThere(int process, int file) { return file >= 0 && access(place(process, file).c_str(), F_OK) == 0; }
  int file() const { return handle; }
  /// Once the other process has it.
  void forget() {
    if (handle >= 0)
      close(handle);
    handle = -1;
  }
  Ring &operator*() const { return *ring; }

private:
  static std::string place(int process, int file) { return format("/proc/%d/fd/%d", process, file); }

  void map(int error) {
    void *memory = error ? MAP_FAILED : mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, handle, 0);
    if (memory == MAP_FAILED)
      failInput(format("two ranks cannot share %lld bytes of memory: %s", wide(int64_t(size)),
                       strerror(error ? error : errno)),
                "--comm=tcp needs none");
    ring = static_cast<Ring *>(memory);
  }

  size_t size; // mapped
  int handle;
  Ring *ring = nullptr;
};

class ShmChannel : public Channel {
public:
  ShmChannel(const Socket &socket, int64_t bytes) : room(bytes), own(bytes), socket(socket) {}

  /// Tells the other rank where this one's ring is.
  bool offer() { return socket.send({{"process", getpid()}, {"file", own.file()}}); }
  /// Maps that of the other; false where it is no more, or does not tell in time.
  bool take(Deadline deadline) {
    nlohmann::json where = socket.receive(deadline);
    int process = field(where, "process", 0), file = field(where, "file", -1);
    if (!SharedRing::isThere(process, file))
      return false;
    other = std::make_unique<SharedRing>(room, process, file);
    return true;
  }
  /// Once the other rank has this one's.
  void forget() { own.forget(); }

  int64_t trySend(const void *from, int64_t bytes) override {
    Ring &ring = *own;
    uint64_t at = ring.written.load(std::memory_order_relaxed);
    bytes = std::min(bytes, room - int64_t(at - ring.read.load(std::memory_order_acquire)));
    if (bytes == 0)
      return isEnded() ? -1 : 0;
    copy(at, bytes, [&](int64_t place, int64_t done, int64_t count) {
      memcpy(ring.bytes() + place, static_cast<const char *>(from) + done, size_t(count));
    });
    ring.written.store(at + uint64_t(bytes), std::memory_order_release);
    return bytes;
  }

  int64_t tryReceive(void *to, int64_t bytes) override {
    Ring &ring = **other;
    uint64_t at = ring.read.load(std::memory_order_relaxed);
    auto there = [&] { return std::min(bytes, int64_t(ring.written.load(std::memory_order_acquire) - at)); };
    int64_t count = there();
    if (count == 0 && isEnded() && (count = there()) == 0) // what it wrote at last counts
      return -1;
    copy(at, count, [&](int64_t place, int64_t done, int64_t part) {
      memcpy(static_cast<char *>(to) + done, ring.bytes() + place, size_t(part));
    });
    ring.read.store(at + uint64_t(count), std::memory_order_release);
    return count;
  }

private:
  /// The run of `bytes` from `at` on, in one or two pieces of the ring.
  template <typename Copy> void copy(uint64_t at, int64_t bytes, Copy piece) const {
    int64_t place = int64_t(at % uint64_t(room)), first = std::min(bytes, room - place);
    piece(place, 0, first);
    if (bytes > first)
      piece(0, first, bytes - first);
  }
  /// Asked now and then of the connection, which ends with the process.
  bool isEnded() { return ++asked % 4096 == 0 && socket.isEnded(); }

  int64_t room; // bytes of a ring
  SharedRing own;
  std::unique_ptr<SharedRing> other;
  const Socket &socket;
  unsigned asked = 0;
};
} // namespace

std::vector<std::unique_ptr<Channel>> makeShmChannels(const Mesh &mesh, double timeout) {
  // Of many ranks the rings are smaller: there are two for each pair.
  int64_t bytes = std::clamp<int64_t>((int64_t(1) << 25) / mesh.ranks() / 4096 * 4096, 1 << 16, 1 << 22);
  std::vector<std::unique_ptr<Channel>> channels(static_cast<size_t>(mesh.ranks()));
  std::vector<std::pair<int, ShmChannel *>> made;
  for (int rank = 0; rank < mesh.ranks(); ++rank)
    if (rank != mesh.rank()) {
      auto channel = std::make_unique<ShmChannel>(mesh.to(rank), bytes);
      made.emplace_back(rank, channel.get());
      channels[size_t(rank)] = std::move(channel);
    }
  for (auto [rank, channel] : made)
    if (!channel->offer())
      failRun(mesh.describe(rank) + " has ended");
  Deadline deadline = after(timeout);
  for (auto [rank, channel] : made)
    if (!channel->take(deadline))
      failRun(mesh.describe(rank) + (mesh.to(rank).isEnded() ? " has ended" : " does not share its memory"),
              "--comm=tcp shares none");
  mesh.meet(timeout);
  for (auto [rank, channel] : made)
    channel->forget();
  return channels;
}

} // namespace nc
