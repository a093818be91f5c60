// Streams of bytes between this rank and another, one of each for a pair.
#pragma once

#include "runtime/comm/Mesh.h"
#include <cstddef>
#include <memory>

namespace nc {

class Channel {
public:
  virtual ~Channel() = default;
  /// As much of `bytes` as goes at once; what was taken or came. -1 where the other end is no more.
  virtual int64_t trySend(const void *from, int64_t bytes) = 0;
  virtual int64_t tryReceive(void *to, int64_t bytes) = 0;
};

enum class ChannelKind { shm, tcp };

/// The channels to all other ranks, none to this one. All ranks make them at the same time.
std::vector<std::unique_ptr<Channel>> makeChannels(ChannelKind kind, const Mesh &mesh, double timeout);

/// Those through memory: a ring of up to 4 MiB each way, which two processes map and nobody else finds. Fails (exit 2)
/// where there is too little of it.
std::vector<std::unique_ptr<Channel>> makeShmChannels(const Mesh &mesh, double timeout);

} // namespace nc
