#include "runtime/device/Exchanges.h"
#include "runtime/device/DeviceExchanges.h"
#include "runtime/device/NcclExchanges.h"
#include "runtime/files/Errors.h"
#include <cstring>

namespace nc {

/// What this rank lacks for NCCL, as a sentence; "" if nothing. All ranks come here together.
static std::string missingForNccl(const CudaDevice &device, Ranks &ranks, NcclLibrary &library) {
  using Name = std::array<char, 16>;
  Name own = device.uuid();
  std::vector<Name> all(size_t(ranks.count()));
  ranks.gather(&own, all.data(), sizeof(own));
  for (int other = 0; other < ranks.count(); ++other)
    if (other != ranks.rank() && all[size_t(other)] == own)
      return format("the GPU is that of %s as well, and NCCL needs one for each rank", ranks.describe(other).c_str());
  return library.load();
}

std::unique_ptr<Exchanges> makeExchanges(CudaDevice &device, Ranks &ranks) {
  bool isAsked = ranks.comm() == "nccl", isPossible = isAsked || ranks.comm() == "auto";
  if (!isPossible || ranks.count() == 1)
    return std::make_unique<DeviceExchanges>(device, ranks);
  NcclLibrary library;
  std::string missing = ranks.firstToSay(missingForNccl(device, ranks, library));
  if (missing.empty())
    return std::make_unique<NcclExchanges>(device, ranks, library);
  if (isAsked)
    throw AgreedError(ExitCode::BadInput, "--comm=nccl: " + missing,
                      "apt-get install libnccl2, or name the file of NCCL in NANOCHAT_NCCL; --comm=shm and --comm=tcp "
                      "go through the host");
  return std::make_unique<DeviceExchanges>(device, ranks, missing);
}

} // namespace nc
