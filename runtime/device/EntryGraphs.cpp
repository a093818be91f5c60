#include "runtime/device/EntryGraphs.h"

namespace nc {

std::vector<void *> KernelLaunch::places() const {
  std::vector<void *> places;
  for (void *const &argument : arguments)
    places.push_back(const_cast<void **>(&argument));
  return places;
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
  std::vector<void *> places = launch.places();
  if (int error = driver.launch(launch.function, launch.blocks, 1, 1, launch.threads, 1, 1, launch.sharedBytes, stream,
                                places.data(), nullptr))
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
  return 0;
}

void EntryGraphs::compare(const KernelLaunch &launch) {
  if (position >= latest.size() || latest[position].function != launch.function) {
    irregular = true;
    return;
  }
  if (latest[position].arguments != launch.arguments)
    changes.back().push_back({position, launch.arguments});
  latest[position++] = launch;
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
    latest = launches;
  if (number < count) {
    changes.emplace_back();
    return begin(Part::others);
  }
  for (size_t i = 0; i < latest.size(); ++i)
    if (latest[i].arguments != launches[i].arguments)
      changes[0].push_back({i, launches[i].arguments});
  return begin(Part::after);
}

int EntryGraphs::apply(const Change &change) {
  KernelLaunch launch = launches[change.launch];
  launch.arguments = change.arguments;
  std::vector<void *> places = launch.places();
  CudaDriver::NodeParameters node = {launch.function,    {launch.blocks, 1, 1}, {launch.threads, 1, 1},
                                     launch.sharedBytes, places.data(),         nullptr};
  return driver.setNodeParameters(instances[size_t(Part::batch)], nodes[change.launch], &node);
}

int EntryGraphs::replay() {
  if (int error = driver.launchGraph(instances[size_t(Part::before)], stream))
    return error;
  for (const std::vector<Change> &batch : changes) {
    for (const Change &change : batch)
      if (int error = apply(change))
        return error;
    if (int error = driver.launchGraph(instances[size_t(Part::batch)], stream))
      return error;
  }
  return changes.empty() ? 0 : driver.launchGraph(instances[size_t(Part::after)], stream);
}

} // namespace nc
