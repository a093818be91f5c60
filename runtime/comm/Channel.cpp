#include "runtime/comm/Channel.h"
#include "runtime/files/Errors.h"
#include <cerrno>
#include <sys/socket.h>

namespace nc {

namespace {
class TcpChannel : public Channel {
public:
  explicit TcpChannel(int handle) : handle(handle) {}
  int64_t trySend(const void *from, int64_t bytes) override {
    return result(send(handle, from, size_t(std::min(bytes, kMost)), MSG_DONTWAIT | MSG_NOSIGNAL), false);
  }
  int64_t tryReceive(void *to, int64_t bytes) override {
    return result(recv(handle, to, size_t(std::min(bytes, kMost)), MSG_DONTWAIT), true);
  }

private:
  static constexpr int64_t kMost = 1 << 30;
  static int64_t result(ssize_t count, bool endsAtZero) {
    if (count < 0)
      return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
    return count == 0 && endsAtZero ? -1 : count;
  }
  int handle; // of the mesh
};
} // namespace

std::vector<std::unique_ptr<Channel>> makeChannels(ChannelKind kind, const Mesh &mesh, double timeout) {
  if (kind == ChannelKind::shm)
    return makeShmChannels(mesh, timeout);
  std::vector<std::unique_ptr<Channel>> channels;
  for (int rank = 0; rank < mesh.ranks(); ++rank)
    channels.push_back(rank == mesh.rank() ? nullptr : std::make_unique<TcpChannel>(mesh.to(rank).fd()));
  return channels;
}

} // namespace nc
