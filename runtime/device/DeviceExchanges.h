// Collectives of a program on a GPU: what ranks exchange goes through memory of the host.
//
#pragma once

#include "runtime/comm/Ranks.h"
#include "runtime/device/CudaDevice.h"
#include "runtime/device/Exchanges.h"

namespace nc {

class DeviceExchanges : public Exchanges {
public:
  /// `whyNot`: why there is no better way, for people; may be "".
  DeviceExchanges(CudaDevice &device, Ranks &ranks, std::string whyNot = "")
      : device(device), ranks(ranks), whyNot(std::move(whyNot)) {}
  ~DeviceExchanges() override;
  DeviceExchanges(const DeviceExchanges &) = delete;
  DeviceExchanges &operator=(const DeviceExchanges &) = delete;

  /// Waits for the kernels that were started, and takes what they wrote.
  void start(const nc_collective &collective, const void *from, void *to, int lane, const char *source) override;
  void finish(int lane) override;
  std::string name() const override;

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
  Ranks &ranks;
  std::string whyNot;
  std::array<Lane, Transport::kLanes> lanes;
};

} // namespace nc
