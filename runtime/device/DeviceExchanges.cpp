#include "runtime/device/DeviceExchanges.h"

namespace nc {

DeviceExchanges::~DeviceExchanges() {
  for (Lane &lane : lanes)
    for (char *place : {lane.from, lane.to})
      if (place)
        device.releaseHost(place);
}

void DeviceExchanges::makeRoom(char *&place, int64_t &has, int64_t needs) {
  if (has >= needs)
    return;
  if (place)
    device.releaseHost(place);
  place = nullptr; // where there is no more of it
  place = device.allocateHost(needs);
  has = needs;
}

void DeviceExchanges::start(const nc_collective &collective, const void *from, void *to, int number,
                            const char *source) {
  checkLane(number);
  Lane &lane = lanes[size_t(number)];
  Pieces pieces{collective.bytes, collective.total};
  Group group = ranks.groupOf(collective);
  int own = group.numberOf(ranks.rank());
  int64_t goes = collective.kind == NC_ALL_GATHER ? pieces.of(own) : pieces.total;
  lane.target = to;
  lane.bytes = collective.kind == NC_ALL_TO_ALL ? pieces.bytes * group.members : pieces.total;
  device.leaveGraphs();
  device.synchronize(); // also with what an earlier collective of the lane brought, so that its memory is free
  makeRoom(lane.from, lane.fromBytes, goes);
  makeRoom(lane.to, lane.toBytes, lane.bytes);
  if (collective.kind != NC_BROADCAST || own == 0)
    device.read(lane.from, from, size_t(goes));
  ranks.start(collective, lane.from, lane.to, number, source);
}

void DeviceExchanges::finish(int number) {
  checkLane(number);
  ranks.finish(number);
  const Lane &lane = lanes[size_t(number)];
  device.write(lane.target, lane.to, size_t(lane.bytes));
}

std::string DeviceExchanges::name() const {
  return ranks.transport().name() + ", through the host" + (whyNot.empty() ? "" : ": " + whyNot);
}

} // namespace nc
