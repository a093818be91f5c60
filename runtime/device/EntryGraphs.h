// The kernels of an entry as graphs of the driver. Where an entry goes through micro-batches, one graph is of one of
// them and is launched for each, with other addresses, so that its size does not grow with their number.
#pragma once

#include "runtime/device/CudaDriver.h"
#include <cstdint>
#include <functional>
#include <vector>

namespace nc {

/// A launch of a kernel on addresses of the device, which are at `places`.
struct KernelLaunch {
  CudaDriver::Handle function;
  unsigned blocks, threads, sharedBytes;
  void **places;
  int32_t count; // of the addresses

  int start(const CudaDriver &driver, CudaDriver::Handle stream) const;
};

/// Functions return what the driver does: 0 for success.
class EntryGraphs {
public:
  EntryGraphs(const CudaDriver &driver, CudaDriver::Handle stream) : driver(driver), stream(stream) {}
  ~EntryGraphs();
  EntryGraphs(const EntryGraphs &) = delete;
  EntryGraphs &operator=(const EntryGraphs &) = delete;

  /// Records the launches that `calls` makes by `add` and `iterate`; none is done.
  int record(const std::function<void()> &calls);
  int add(const KernelLaunch &launch);
  int iterate(int64_t number, int64_t count);

  /// Whether micro-batches differed in more than addresses, so that there is nothing to replay.
  bool isIrregular() const { return irregular; }

  /// Starts all that was recorded.
  int replay();

private:
  enum class Part { before, batch, others, after };
  using Addresses = std::vector<void *>;
  struct Change { // of one launch of a micro-batch against the one before it
    size_t launch;
    Addresses addresses;
  };

  int begin(Part next);
  int end();
  void compare(const KernelLaunch &launch);
  int apply(Change &change);

  const CudaDriver &driver;
  CudaDriver::Handle stream;
  Part part = Part::before;
  CudaDriver::Handle graphs[4] = {}, instances[4] = {}; // by part, none of the others; nodes are those of the graphs
  std::vector<KernelLaunch> launches;                   // of a micro-batch, but for places
  std::vector<Addresses> first, latest;                 // of these, in the first micro-batch and the latest
  std::vector<CudaDriver::Handle> nodes;                // likewise
  std::vector<std::vector<Change>> changes;             // by micro-batch; of the first against the last
  size_t position = 0;                                  // in the micro-batch that is compared
  bool irregular = false;
};

} // namespace nc
