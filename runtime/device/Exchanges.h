// What a program on a GPU exchanges with other ranks: through NCCL where they have it, else through the host.
//
#pragma once

#include "runtime/Abi.h"
#include <memory>
#include <string>

namespace nc {

class CudaDevice;
class Ranks;

class Exchanges {
public:
  virtual ~Exchanges() = default;
  /// As nc_start, of addresses of the device: kernels that were started before have written `from`.
  virtual void start(const nc_collective &collective, const void *from, void *to, int lane, const char *source) = 0;
  /// As nc_finish: kernels that are started from then on find what came.
  virtual void finish(int lane) = 0;
  /// Over what: "shared memory, through the host".
  virtual std::string name() const = 0;
};

/// As --comm says it; "auto" is NCCL where all ranks have it and a GPU of their own. All ranks come here together.
/// Fails (exit 2) in all where NCCL is asked for and one has none, or where what it carries is not what was sent.
std::unique_ptr<Exchanges> makeExchanges(CudaDevice &device, Ranks &ranks);

} // namespace nc
