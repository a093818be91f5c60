#include "runtime/device/EntryGraphs.h"

namespace nc {

int KernelLaunch::start(const CudaDriver &driver, CudaDriver::Handle stream) const {
  return driver.launch(function, blocks, 1, 1, threads, 1, 1, sharedBytes, stream, places, nullptr);
}

static std::vector<void *> addressesOf(const KernelLaunch &launch) {
  std::vector<void *> addresses;
  for (int32_t i = 0; i < launch.count; ++i)
    addresses.push_back(*static_cast<void **>(launch.places[i]));
  return addresses;
}

EntryGraphs::~EntryGraphs() {
  for (CudaDriver::Handle instance : instances)
    if (instance)
      driver.destroyInstance(instance);
  for (CudaDriver::Handle graph : graphs)
    if (graph)
      driver.destroyGraph(graph);
}

int EntryGraphs::begin(Part next) {
  part = next;
  constexpr int kThreadLocal = 1; // CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
  return part == Part::others ? 0 : driver.beginCapture(stream, kThreadLocal);
}

int EntryGraphs::end() {
  if (part == Part::others)
    return 0;
  if (int error = driver.endCapture(stream, &graphs[size_t(part)]))
    return error;
  return driver.instantiate(&instances[size_t(part)], graphs[size_t(part)], 0);
}

int EntryGraphs::record(const std::function<void()> &calls) {
  if (int error = begin(Part::before))
    return error;
  calls();
  return end();
}

int EntryGraphs::add(const KernelLaunch &launch) {
  if (part == Part::others) {
    compare(launch);
    return 0;
  }
  if (int error = launch.start(driver, stream))
    return error;
  if (part != Part::batch)
    return 0;
  // What the stream waits for now is the launch.
  int status = 0;
  unsigned long long id = 0;
  CudaDriver::Handle graph = nullptr;
  const CudaDriver::Handle *last = nullptr;
  size_t count = 0;
  if (int error = driver.captureInfo(stream, &status, &id, &graph, &last, &count))
    return error;
  irregular |= count != 1;
  nodes.push_back(count == 1 ? *last : nullptr);
  launches.push_back(launch);
  launches.back().places = nullptr; // which were the caller's
  first.push_back(addressesOf(launch));
  return 0;
}

void EntryGraphs::compare(const KernelLaunch &launch) {
  if (position >= launches.size() || launches[position].function != launch.function) {
    irregular = true;
    return;
  }
  if (Addresses addresses = addressesOf(launch); addresses != latest[position]) {
    changes.back().push_back({position, addresses});
    latest[position] = std::move(addresses);
  }
  ++position;
}

int EntryGraphs::iterate(int64_t number, int64_t count) {
  irregular |= part == Part::others && position != latest.size();
  irregular |= number == 0 && part != Part::before; // a second loop of them
  position = 0;
  if (int error = end())
    return error;
  if (number == 0) {
    changes.resize(1);
    return begin(Part::batch);
  }
  if (number == 1)
    latest = first;
  if (number < count) {
    changes.emplace_back();
    return begin(Part::others);
  }
  for (size_t i = 0; i < latest.size(); ++i)
    if (latest[i] != first[i])
      changes[0].push_back({i, first[i]});
  return begin(Part::after);
}

int EntryGraphs::apply(Change &change) {
  const KernelLaunch &launch = launches[change.launch];
  std::vector<void *> places;
  for (void *&address : change.addresses)
    places.push_back(&address);
  CudaDriver::NodeParameters node = {launch.function,    {launch.blocks, 1, 1}, {launch.threads, 1, 1},
                                     launch.sharedBytes, places.data(),         nullptr};
  return driver.setNodeParameters(instances[size_t(Part::batch)], nodes[change.launch], &node);
}

int EntryGraphs::replay() {
  if (int error = driver.launchGraph(instances[size_t(Part::before)], stream))
    return error;
  for (std::vector<Change> &batch : changes) {
    for (Change &change : batch)
      if (int error = apply(change))
        return error;
    if (int error = driver.launchGraph(instances[size_t(Part::batch)], stream))
      return error;
  }
  return changes.empty() ? 0 : driver.launchGraph(instances[size_t(Part::after)], stream);
}

} // namespace nc
