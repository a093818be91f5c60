#include "runtime/device/Exchanges.h"
#include "runtime/device/DeviceExchanges.h"
#include "runtime/device/NcclExchanges.h"
#include "runtime/files/Errors.h"
#include <cstring>

namespace nc {

/// Whose GPU this rank's is as well, as a sentence; "" if nobody's. All ranks come here together.
static std::string sharedGpu(const CudaDevice &device, Ranks &ranks) {
  using Name = std::array<char, 16>;
  Name own = device.uuid();
  std::vector<Name> all(size_t(ranks.count()));
  ranks.gather(&own, all.data(), sizeof(own));
  for (int other = 0; other < ranks.count(); ++other)
    if (other != ranks.rank() && all[size_t(other)] == own)
      return format("the GPU is that of %s as well", ranks.describe(other).c_str());
  return "";
}

std::unique_ptr<Exchanges> makeExchanges(CudaDevice &device, Ranks &ranks) {
  bool isAsked = ranks.comm() == "nccl", isPossible = isAsked || ranks.comm() == "auto";
  if (!isPossible || ranks.count() == 1)
    return std::make_unique<DeviceExchanges>(device, ranks);
  NcclLibrary library;
  std::string shared = ranks.firstToSay(sharedGpu(device, ranks)), missing;
  if (shared.empty())
    missing = ranks.firstToSay(library.load());
  if (shared.empty() && missing.empty())
    return std::make_unique<NcclExchanges>(device, ranks, library);
  if (isAsked)
    throw AgreedError(ExitCode::BadInput, "--comm=nccl: " + shared + missing,
                      std::string(shared.empty()
                                      ? "apt-get install libnccl2, or name the file of NCCL in NANOCHAT_NCCL"
                                      : "NCCL needs a GPU for each rank, which each takes without --device") +
                          "; --comm=shm and --comm=tcp go through the host");
  return std::make_unique<DeviceExchanges>(device, ranks, shared + missing);
}

} // namespace nc
