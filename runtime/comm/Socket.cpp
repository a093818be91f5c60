#include "runtime/comm/Socket.h"
#include "runtime/files/Errors.h"
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace nc {

static constexpr size_t kLongestMessage = 1 << 24;

Socket &Socket::operator=(Socket &&other) noexcept {
  std::swap(handle, other.handle);
  return *this;
}

Socket::~Socket() {
  if (handle >= 0)
    close(handle);
}

static void setOption(int handle, int level, int option, int value) {
  setsockopt(handle, level, option, &value, sizeof(value));
}

static int milliseconds(Deadline deadline) {
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return int(std::max<int64_t>(0, std::min<int64_t>(left.count() + 1, 1 << 30)));
}

/// Whether `handle` can be read before the deadline.
static bool isReadable(int handle, Deadline deadline) {
  pollfd waiting = {handle, POLLIN, 0};
  int count;
  while ((count = poll(&waiting, 1, milliseconds(deadline))) < 0 && errno == EINTR)
    ;
  return count > 0;
}

Socket Socket::listen(int port) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  setOption(socket.handle, SOL_SOCKET, SO_REUSEADDR, 1);
  sockaddr_in any = {};
  any.sin_family = AF_INET;
  any.sin_port = htons(uint16_t(port));
  if (!socket.isOpen() || bind(socket.handle, reinterpret_cast<sockaddr *>(&any), sizeof(any)) ||
      ::listen(socket.handle, 1024))
    failInput(format("rank 0 cannot listen on port %d: %s", port, strerror(errno)),
              "MASTER_PORT names another; all ranks must have the same");
  return socket;
}

Socket Socket::connect(const std::string &address, int port, Deadline deadline) {
  addrinfo hints = {}, *found = nullptr;
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  std::string why;
  do {
    if (int error = getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found)) {
      why = gai_strerror(error);
    } else {
      Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      bool isConnected = !::connect(socket.handle, found->ai_addr, found->ai_addrlen);
      why = strerror(errno);
      freeaddrinfo(found);
      if (isConnected) {
        setOption(socket.handle, IPPROTO_TCP, TCP_NODELAY, 1);
        return socket;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  } while (std::chrono::steady_clock::now() < deadline);
  failInput(format("nobody answers at %s:%d: %s", address.c_str(), port, why.c_str()),
            "rank 0 listens there; MASTER_ADDR and MASTER_PORT say where it is, --comm-timeout how long to try");
}

int Socket::port() const {
  sockaddr_in own = {};
  socklen_t size = sizeof(own);
  getsockname(handle, reinterpret_cast<sockaddr *>(&own), &size);
  return ntohs(own.sin_port);
}

std::string Socket::peerAddress() const {
  sockaddr_in other = {};
  socklen_t size = sizeof(other);
  getpeername(handle, reinterpret_cast<sockaddr *>(&other), &size);
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &other.sin_addr, text, sizeof(text));
  return text;
}

Socket Socket::accept(Deadline deadline) const {
  if (!isReadable(handle, deadline))
    return {};
  Socket socket(accept4(handle, nullptr, nullptr, SOCK_CLOEXEC));
  if (socket.isOpen())
    setOption(socket.handle, IPPROTO_TCP, TCP_NODELAY, 1);
  return socket;
}

bool Socket::send(const nlohmann::json &message) const {
  std::string text = message.dump();
  uint64_t size = text.size();
  text.insert(0, reinterpret_cast<const char *>(&size), sizeof(size));
  for (size_t sent = 0; sent < text.size();) {
    ssize_t count = ::send(handle, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR)
      return false;
    sent += size_t(std::max<ssize_t>(count, 0));
  }
  return true;
}

/// Reads `bytes`; false where they do not come before the deadline.
static bool receiveAll(int handle, void *to, size_t bytes, Deadline deadline) {
  for (size_t got = 0; got < bytes;) {
    if (!isReadable(handle, deadline))
      return false;
    ssize_t count = recv(handle, static_cast<char *>(to) + got, bytes - got, 0);
    if (count == 0 || (count < 0 && errno != EINTR))
      return false;
    got += size_t(std::max<ssize_t>(count, 0));
  }
  return true;
}

nlohmann::json Socket::receive(Deadline deadline) const {
  uint64_t size = 0;
  if (!receiveAll(handle, &size, sizeof(size), deadline) || size > kLongestMessage)
    return nullptr;
  std::string text(size, ' ');
  if (!receiveAll(handle, text.data(), size, deadline))
    return nullptr;
  nlohmann::json message = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  return message.is_discarded() ? nlohmann::json() : message;
}

bool Socket::isEnded() const {
  char byte;
  ssize_t count = recv(handle, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
}

} // namespace nc
