// TCP between ranks: listening, connecting, messages.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

namespace nc {

using Deadline = std::chrono::steady_clock::time_point;
inline Deadline after(double seconds) {
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(seconds));
}

/// An open socket, closed with its owner. Functions fail (exit 1) with what the system says.
class Socket {
public:
  Socket() = default;
  explicit Socket(int handle) : handle(handle) {}
  Socket(Socket &&other) noexcept : handle(other.handle) { other.handle = -1; }
  Socket &operator=(Socket &&other) noexcept;
  ~Socket();

  /// Waits for ranks on `port` of all addresses of this host, 0 for any that is free. Fails (exit 2) where the port is
  /// taken.
  static Socket listen(int port);
  /// Tries until somebody answers at `address`; fails (exit 2) at the deadline, with that note.
  static Socket connect(const std::string &address, int port, Deadline deadline, const std::string &note);

  bool isOpen() const { return handle >= 0; }
  int fd() const { return handle; }
  /// Of this end.
  int port() const;
  /// Of the other end, as this host sees it.
  std::string peerAddress() const;

  /// The next who connects; not open at the deadline. Fails (exit 1) where this process can have no more files.
  Socket accept(Deadline deadline) const;
  /// A message; `receive` is null where none is whole at the deadline, or the other end is closed or says no message.
  bool send(const nlohmann::json &message) const;
  nlohmann::json receive(Deadline deadline) const;
  /// Whether the other end is closed and all that came from it was read.
  bool isEnded() const;

private:
  int handle = -1;
};

/// A field of a message that somebody sent: `missing` where there is none of that type.
template <typename Value> Value field(const nlohmann::json &message, const char *name, Value missing) {
  auto at = message.is_object() ? message.find(name) : message.end();
  if (at == message.end())
    return missing;
  if constexpr (std::is_same_v<Value, std::string>)
    return at->is_string() ? at->template get<std::string>() : missing;
  else
    return at->is_number_integer() ? at->template get<Value>() : missing;
}

} // namespace nc
