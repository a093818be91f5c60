// What nc_dispatch passes through: the team that runs a kernel and whoever watches.
//
#pragma once

#include "runtime/Abi.h"
#include "runtime/program/Threads.h"

namespace nc {

class CudaDevice;
class Exchanges;
class Ranks;

/// What nc_dispatch was called with; buffers of a device are copies.
struct KernelCall {
  const nc_kernel_info &kernel;
  void *const *buffers;
  const char *source;
  double seconds = -1; // of a call that is over, by the device's clock; negative where it has none
};

/// Sees entries and every kernel call of them, on the calling thread.
class DispatchObserver {
public:
  virtual ~DispatchObserver() = default;
  /// Whether it looks at what calls read and write.
  virtual bool readsBuffers() const { return true; }
  virtual void enter(const nc_entry &) {}
  virtual void leave(const nc_entry &) {}
  virtual void before(const KernelCall &call) = 0;
  virtual void after(const KernelCall &call) = 0;
};

int64_t elementCount(const nc_operand &operand);

} // namespace nc

struct nc_context {
  nc::ThreadTeam &team;
  const nc_program &program;
  nc::Ranks &ranks;
  nc::DispatchObserver *observer = nullptr;
  nc::CudaDevice *device = nullptr;   // where the program's kernels run, if not on the team
  nc::Exchanges *exchanges = nullptr; // of the device
};
