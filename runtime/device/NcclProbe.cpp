// Whether what ranks send each other through NCCL arrives: some machines lose it, or hang, where GPUs write to each
// other's memory.
//
#include "runtime/comm/KnownContent.h"
#include "runtime/device/NcclExchanges.h"
#include "runtime/files/Errors.h"

namespace nc {

static constexpr size_t kProbe = 1 << 20; // bytes of a message
static constexpr const char *kAdvice = "NCCL_P2P_DISABLE=1 has NCCL go another way between GPUs; --comm=shm and "
                                       "--comm=tcp go through the host";

void NcclExchanges::probe() {
  ranks.doing("the first exchange through NCCL");
  CudaDriver::Address memory = 0;
  check(driver.allocate(&memory, 2 * kProbe));
  char *sends = reinterpret_cast<char *>(memory), *receives = sends + kProbe;
  std::vector<char> came(kProbe);
  std::string problem;
  // In round d everybody sends to the one that comes d ranks later.
  for (int count = ranks.count(), own = ranks.rank(), distance = 1; distance < count; ++distance) {
    int to = (own + distance) % count, from = (own + count - distance) % count;
    probePair(to, from, sends, receives);
    check(driver.toHost(came.data(), addressOf(receives), kProbe));
    for (size_t i = 0; i < kProbe && problem.empty(); ++i)
      if (came[i] != knownByte(from, own, int64_t(i)))
        problem = format("byte %zu of what NCCL brought from %s is wrong", i, ranks.describe(from).c_str());
  }
  driver.release(memory);
  if (std::string said = ranks.firstToSay(problem); !said.empty())
    throw AgreedError(ExitCode::BadInput, said, kAdvice);
}

void NcclExchanges::probePair(int to, int from, char *sends, char *receives) {
  std::vector<char> content(kProbe);
  for (size_t i = 0; i < kProbe; ++i)
    content[i] = knownByte(ranks.rank(), to, int64_t(i));
  check(driver.toDevice(addressOf(sends), content.data(), kProbe, stream));
  check(driver.clear(addressOf(receives), 0, kProbe, stream));
  communicator->group([&] {
    communicator->send(sends, kProbe, to, stream);
    communicator->receive(receives, kProbe, from, stream);
  });
  Deadline limit = after(ranks.timeoutNow());
  int error;
  while ((error = driver.query(stream)) == CudaDriver::kNotReady) {
    communicator->poll(nullptr);
    if (std::chrono::steady_clock::now() > limit)
      communicator->fail(
          format("nothing has come through NCCL from %s for %g s", ranks.describe(from).c_str(), ranks.timeoutNow()),
          nullptr, kAdvice);
  }
  check(error);
}

} // namespace nc
