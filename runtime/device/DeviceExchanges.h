// Collectives of a program on a GPU: what ranks exchange goes through memory of the host.
//
#pragma once

#include "runtime/comm/Ranks.h"
#include "runtime/device/CudaDevice.h"

namespace nc {

class DeviceExchanges {
public:
  explicit DeviceExchanges(CudaDevice &device) : device(device) {}
  ~DeviceExchanges();
  DeviceExchanges(const DeviceExchanges &) = delete;
  DeviceExchanges &operator=(const DeviceExchanges &) = delete;

  /// As Ranks::start, of addresses of the device: waits for the kernels that were started, and takes what they wrote.
  void start(Ranks &ranks, const nc_collective &collective, const void *from, void *to, int lane, const char *source);
  /// As Ranks::finish; kernels that are started from then on find what came.
  void finish(Ranks &ranks, int lane);

private:
  struct Lane {
    char *from = nullptr, *to = nullptr; // of the host
    int64_t fromBytes = 0, toBytes = 0;  // that there are
    void *target = nullptr;              // of the device, for the collective that is under way
    int64_t bytes = 0;                   // that come there
  };
  /// The first step makes room for all that follow.
  void makeRoom(char *&place, int64_t &has, int64_t needs);

  CudaDevice &device;
  std::array<Lane, Transport::kLanes> lanes;
};

} // namespace nc
