#include "runtime/device/NcclExchanges.h"
#include "runtime/files/Errors.h"
#include <algorithm>
#include <numeric>

namespace nc {

static constexpr size_t kNumbers = 1 << 14; // what progress is counted modulo

void NcclExchanges::check(int error) const {
  if (error)
    failRun("an exchange cannot be put on the GPU: " + driver.describe(error));
}

NcclExchanges::NcclExchanges(CudaDevice &device, Ranks &ranks, const NcclLibrary &library)
    : device(device), driver(device.api()), ranks(ranks), library(library) {
  communicator = std::make_unique<NcclCommunicator>(this->library, ranks,
                                                    [&device](Deadline limit) { device.forgetGraphs(limit); });
  constexpr int kFirst = -(1 << 10); // the highest priority: exchanges are short, and others wait for them
  check(driver.createStreamOfPriority(&stream, CudaDriver::kNonBlocking, kFirst));
  check(driver.createEvent(&before, CudaDriver::kNoTime));
  for (Lane &lane : lanes)
    check(driver.createEvent(&lane.done, CudaDriver::kNoTime));
  progress = reinterpret_cast<int32_t *>(device.allocateHost(2 * sizeof(int32_t)));
  std::vector<int32_t> all(kNumbers);
  std::iota(all.begin(), all.end(), 0);
  check(driver.allocate(&numbers, kNumbers * sizeof(int32_t)));
  check(driver.toDevice(numbers, all.data(), kNumbers * sizeof(int32_t), stream));
  check(driver.synchronize(stream));
  probe();
  device.accompany(this);
}

NcclExchanges::~NcclExchanges() {
  device.accompany(nullptr);
  communicator = nullptr; // ends what others would wait for
  for (Lane &lane : lanes)
    driver.destroyEvent(lane.done);
  driver.destroyEvent(before);
  driver.release(numbers);
  device.releaseHost(reinterpret_cast<char *>(const_cast<int32_t *>(progress)));
  driver.destroyStream(stream);
}

/// The stream's, and in its turn there: `count` exchanges of the entry have begun, or ended.
void NcclExchanges::note(int which, size_t count) {
  int32_t *place = const_cast<int32_t *>(&progress[which]);
  check(driver.toHostLater(place, numbers + count % kNumbers * sizeof(int32_t), sizeof(int32_t), stream));
}

/// As nc::copyOwnPiece, of the device.
void NcclExchanges::copyOwnPiece(Collective kind, const Group &group, const char *from, char *to, Pieces pieces) {
  int self = group.numberOf(ranks.rank());
  Passage own = passage(kind, pieces, self, self);
  if (own.bytes && from + own.from != to + own.to)
    check(driver.copy(addressOf(to + own.to), addressOf(from + own.from), size_t(own.bytes), stream));
  for (int sender = 0; kind == Collective::allToAll && own.bytes < pieces.bytes && sender < group.members; ++sender)
    check(driver.clear(addressOf(to + sender * pieces.bytes + own.bytes), 0, size_t(pieces.bytes - own.bytes), stream));
}

/// What goes to other ranks of the group, and comes from them.
void NcclExchanges::exchange(Collective kind, const Group &group, const char *from, char *to, Pieces pieces) {
  communicator->group([&] {
    int self = group.numberOf(ranks.rank());
    for (int other = 0; other < group.members; ++other) {
      if (other == self)
        continue;
      Passage out = passage(kind, pieces, self, other), in = passage(kind, pieces, other, self);
      communicator->send(from + out.from, out.bytes, group.rankOf(other), stream);
      communicator->receive(to + in.to, in.bytes, group.rankOf(other), stream);
      schedule->sentBytes += out.bytes;
    }
  });
}

void NcclExchanges::start(const nc_collective &collective, const void *from, void *to, int number, const char *source) {
  checkLane(number);
  Lane &lane = lanes[size_t(number)];
  checkFree(number, lane.isTaken);
  if (int64_t now = device.position(); now != seen) { // kernels were started since
    check(driver.recordEvent(before, device.kernelStream()));
    check(driver.waitEvent(stream, before, 0));
    seen = now;
  }
  auto kind = Collective(collective.kind);
  Group group = ranks.groupOf(collective);
  Pieces pieces{collective.bytes, collective.total};
  schedule->sources.push_back(source);
  note(kBegun, schedule->sources.size());
  copyOwnPiece(kind, group, static_cast<const char *>(from), static_cast<char *>(to), pieces);
  exchange(kind, group, static_cast<const char *>(from), static_cast<char *>(to), pieces);
  note(kEnded, schedule->sources.size());
  check(driver.recordEvent(lane.done, stream));
  lane.number = ++started, lane.part = device.part(), lane.isTaken = true;
}

void NcclExchanges::finish(int number) {
  checkLane(number);
  Lane &lane = lanes[size_t(number)];
  // A graph holds an exchange as a whole, and only those that no other micro-batch has.
  if (lane.part != device.part() || device.isInMicroBatch())
    device.leaveGraphs();
  if (lane.number > waited) { // else a later one was waited for
    check(driver.waitEvent(device.kernelStream(), lane.done, 0));
    waited = lane.number;
  }
  lane.isTaken = false;
}

void NcclExchanges::enter(const nc_entry &entry, bool isReplayed) {
  schedule = &schedules[&entry];
  if (!isReplayed)
    schedule->sources.clear(), schedule->sentBytes = 0;
  for (Lane &lane : lanes)
    lane.isTaken = false; // of a run that failed
  progress[kBegun] = progress[kEnded] = known[kBegun] = known[kEnded] = 0;
  changed = std::chrono::steady_clock::now();
}

void NcclExchanges::leave() {
  ranks.addSent(schedule->sentBytes);
  ranks.waitingFor(nullptr);
}

bool NcclExchanges::exchangesIn(const nc_entry &entry) { return !schedules[&entry].sources.empty(); }

bool NcclExchanges::saidByAll(bool own) {
  char said = own;
  std::vector<char> all(size_t(ranks.count()));
  ranks.gather(&said, all.data(), 1);
  return std::find(all.begin(), all.end(), 0) == all.end();
}

void NcclExchanges::poll() {
  int32_t begun = progress[kBegun], ended = progress[kEnded];
  const char *source = begun == ended ? nullptr : schedule->sources[size_t(ended) % schedule->sources.size()];
  if (begun != known[kBegun] || ended != known[kEnded]) {
    known[kBegun] = begun, known[kEnded] = ended;
    changed = std::chrono::steady_clock::now();
    ranks.waitingFor(source);
  }
  communicator->poll(source);
  double timeout = ranks.timeoutNow();
  if (source && std::chrono::steady_clock::now() - changed > std::chrono::duration<double>(timeout))
    communicator->fail(format("what other ranks send has not come for %g s", timeout), source,
                       "what those print says more; NCCL_P2P_DISABLE=1 may help where GPUs do not reach each other");
}

} // namespace nc
