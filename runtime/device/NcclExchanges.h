// Collectives of a program on a GPU through NCCL: on a stream of their own, so that kernels go on meanwhile, with
// events between it and that of the kernels. The host waits for nothing; where an entry is recorded, so are they.
//
#pragma once

#include "runtime/comm/Transport.h"
#include "runtime/device/CudaDevice.h"
#include "runtime/device/Exchanges.h"
#include "runtime/device/NcclCommunicator.h"
#include <array>
#include <map>
#include <vector>

namespace nc {

class NcclExchanges : public Exchanges, private DeviceCompanion {
public:
  /// Connects all ranks, and tries whether what every pair exchanges arrives as it was sent.
  NcclExchanges(CudaDevice &device, Ranks &ranks, const NcclLibrary &library);
  ~NcclExchanges() override;
  NcclExchanges(const NcclExchanges &) = delete;
  NcclExchanges &operator=(const NcclExchanges &) = delete;

  void start(const nc_collective &collective, const void *from, void *to, int lane, const char *source) override;
  void finish(int lane) override;
  std::string name() const override { return "NCCL " + library.version(); }

private:
  static CudaDriver::Address addressOf(const void *place) { return reinterpret_cast<CudaDriver::Address>(place); }
  struct Lane {
    CudaDriver::Handle done = nullptr; // an event, behind its last exchange
    int64_t number = 0, part = 0;      // of that one, from 1 on; of the device's entry, where it began
    bool isTaken = false;
  };
  /// What an entry exchanges, in order: known from the calls of it that are not replayed.
  struct Schedule {
    std::vector<const char *> sources;
    int64_t sentBytes = 0;
  };

  void enter(const nc_entry &entry, bool isReplayed) override;
  void leave() override;
  void poll() override;
  bool exchangesIn(const nc_entry &entry) override;
  bool saidByAll(bool own) override;

  void check(int error) const;
  void probe();
  void probePair(int to, int from, char *sends, char *receives);
  void copyOwnPiece(Collective kind, const Group &group, const char *from, char *to, Pieces pieces);
  void exchange(Collective kind, const Group &group, const char *from, char *to, Pieces pieces);
  void note(int which, size_t count);

  CudaDevice &device;
  const CudaDriver &driver;
  Ranks &ranks;
  NcclLibrary library;
  std::unique_ptr<NcclCommunicator> communicator;
  CudaDriver::Handle stream = nullptr, before = nullptr; // an event, behind the kernels so far
  std::array<Lane, Transport::kLanes> lanes;
  int64_t started = 0, waited = 0; // exchanges; the kernels' stream waits for those up to this one
  int64_t seen = -1;               // the device's position that the stream waits for

  std::map<const nc_entry *, Schedule> schedules;
  Schedule *schedule = nullptr; // of the entry that runs
  // How many exchanges of the entry have begun, and have ended: the device copies it from its table of numbers.
  enum { kBegun, kEnded };
  CudaDriver::Address numbers = 0;
  volatile int32_t *progress = nullptr;
  int32_t known[2] = {}; // of it, when it last changed
  Deadline changed;
};

} // namespace nc
