#include "runtime/comm/Socket.h"
#include "runtime/files/Errors.h"
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
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

/// Of both kinds of addresses, where the system has both.
static Socket bindTo(int port, int family) {
  Socket socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.isOpen())
    return socket;
  setOption(socket.fd(), SOL_SOCKET, SO_REUSEADDR, 1);
  sockaddr_in6 six = {};
  sockaddr_in four = {};
  four.sin_family = AF_INET, six.sin6_family = AF_INET6;
  four.sin_port = six.sin6_port = htons(uint16_t(port));
  bool isSix = family == AF_INET6;
  if (isSix)
    setOption(socket.fd(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  auto *address = isSix ? reinterpret_cast<sockaddr *>(&six) : reinterpret_cast<sockaddr *>(&four);
  if (bind(socket.fd(), address, isSix ? sizeof(six) : sizeof(four)) || ::listen(socket.fd(), 1024))
    return {};
  return socket;
}

Socket Socket::listen(int port) {
  Socket socket = bindTo(port, AF_INET6);
  if (!socket.isOpen() && errno != EADDRINUSE)
    socket = bindTo(port, AF_INET);
  if (!socket.isOpen())
    failInput(format("rank 0 cannot listen on port %d: %s", port, strerror(errno)),
              "MASTER_PORT names another; all ranks must have the same");
  return socket;
}

static sockaddr_storage ownName(int handle, socklen_t &size) {
  sockaddr_storage name = {};
  size = sizeof(name);
  getsockname(handle, reinterpret_cast<sockaddr *>(&name), &size);
  return name;
}
static sockaddr_storage peerName(int handle, socklen_t &size) {
  sockaddr_storage name = {};
  size = sizeof(name);
  getpeername(handle, reinterpret_cast<sockaddr *>(&name), &size);
  return name;
}

/// Whether `handle` is connected to `address` by the deadline; errno says why not.
static bool tryConnect(int handle, const addrinfo &address, Deadline deadline) {
  fcntl(handle, F_SETFL, O_NONBLOCK);
  if (::connect(handle, address.ai_addr, address.ai_addrlen) && errno == EINPROGRESS) {
    pollfd waiting = {handle, POLLOUT, 0};
    errno = ETIMEDOUT;
    if (poll(&waiting, 1, milliseconds(deadline)) <= 0)
      return false;
  }
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(handle, SOL_SOCKET, SO_ERROR, &error, &size);
  fcntl(handle, F_SETFL, 0);
  socklen_t ownSize, peerSize;
  sockaddr_storage own = ownName(handle, ownSize), peer = peerName(handle, peerSize);
  // A port of one's own that nobody listens on may answer itself.
  bool isSelf = ownSize == peerSize && !memcmp(&own, &peer, ownSize);
  errno = error ? error : isSelf ? ECONNREFUSED : 0;
  return errno == 0 && peer.ss_family != AF_UNSPEC;
}

Socket Socket::connect(const std::string &address, int port, Deadline deadline, const std::string &note) {
  addrinfo hints = {}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  std::string why;
  do {
    if (int error = getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found)) {
      why = gai_strerror(error);
    } else {
      for (addrinfo *at = found; at; at = at->ai_next) {
        Socket socket(::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (socket.isOpen() && tryConnect(socket.handle, *at, std::min(deadline, after(5)))) {
          freeaddrinfo(found);
          setOption(socket.handle, IPPROTO_TCP, TCP_NODELAY, 1);
          return socket;
        }
        why = strerror(errno);
      }
      freeaddrinfo(found);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  } while (std::chrono::steady_clock::now() < deadline);
  failInput(format("nobody answers at %s:%d: %s", address.c_str(), port, why.c_str()), note);
}

int Socket::port() const {
  socklen_t size;
  sockaddr_storage own = ownName(handle, size);
  return ntohs(own.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6 &>(own).sin6_port
                                         : reinterpret_cast<sockaddr_in &>(own).sin_port);
}

std::string Socket::peerAddress() const {
  socklen_t size;
  sockaddr_storage other = peerName(handle, size);
  char text[NI_MAXHOST] = "";
  getnameinfo(reinterpret_cast<sockaddr *>(&other), size, text, sizeof(text), nullptr, 0, NI_NUMERICHOST);
  std::string address = text;
  return address.rfind("::ffff:", 0) == 0 ? address.substr(7) : address; // of the older kind
}

Socket Socket::accept(Deadline deadline) const {
  if (!isReadable(handle, deadline))
    return {};
  Socket socket(accept4(handle, nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket.isOpen() && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
    failRun(std::string("no rank can connect any more: ") + strerror(errno),
            "ulimit -n says how many files are allowed");
  if (socket.isOpen())
    setOption(socket.handle, IPPROTO_TCP, TCP_NODELAY, 1);
  return socket;
}

bool Socket::send(const nlohmann::json &message) const {
  std::string text = message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
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
