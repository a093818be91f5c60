#include "runtime/program/Dispatch.h"
#include "runtime/comm/Ranks.h"
#include "runtime/device/CudaDevice.h"
#include "runtime/device/Exchanges.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Program.h"
#include <optional>
#include <vector>

int64_t nc::elementCount(const nc_operand &operand) {
  int64_t count = 1;
  for (int32_t i = 0; i < operand.rank; ++i)
    count *= operand.shape[i];
  return count;
}

namespace {

/// A call on a device, for who watches it: what it reads and writes as the host sees it.
class WatchedCall {
public:
  WatchedCall(nc_context &context, const nc_kernel_info &kernel, void *const *buffers)
      : device(*context.device), kernel(kernel), buffers(buffers) {
    for (int32_t i = 0; i < kernel.n_operands; ++i)
      copies.emplace_back(bytes(i));
    for (auto &copy : copies)
      pointers.push_back(copy.data());
  }
  /// Copies inputs, or outputs.
  void copy(bool isOutput) {
    for (int32_t i = 0; i < kernel.n_operands; ++i)
      if (bool(kernel.operands[i].is_output) == isOutput)
        device.read(pointers[size_t(i)], buffers[i], bytes(i));
  }
  void *const *data() const { return pointers.data(); }

private:
  size_t bytes(int32_t i) const {
    const nc_operand &operand = kernel.operands[i];
    return size_t(nc::elementCount(operand) * nc::dtypeBytes(operand.dtype));
  }
  nc::CudaDevice &device;
  const nc_kernel_info &kernel;
  void *const *buffers;
  std::vector<std::vector<char>> copies;
  std::vector<void *> pointers;
};

void dispatchWatched(nc_context &context, const nc_kernel_info &kernel, void *const *buffers, const char *source) {
  context.device->synchronize();
  std::optional<WatchedCall> watched;
  if (context.observer->readsBuffers()) {
    watched.emplace(context, kernel, buffers);
    watched->copy(/*isOutput=*/false);
  }
  nc::KernelCall call{kernel, watched ? watched->data() : nullptr, source};
  context.observer->before(call);
  call.seconds = context.device->launchTimed(kernel, buffers, source);
  if (watched)
    watched->copy(/*isOutput=*/true);
  context.observer->after(call);
}

} // namespace

void nc_dispatch(nc_context *context, const nc_kernel_info *kernel, void *const *buffers, const char *source) {
  if (context->device && context->observer)
    return dispatchWatched(*context, *kernel, buffers, source);
  if (context->device)
    return context->device->launch(*kernel, buffers, source);
  nc::KernelCall call{*kernel, buffers, source};
  if (context->observer)
    context->observer->before(call);
  context->team.run(kernel->run, buffers, kernel->tasks);
  if (context->observer)
    context->observer->after(call);
}

void nc_iterate(nc_context *context, int64_t number, int64_t count) {
  if (context->device)
    context->device->iterate(number, count);
}

int64_t nc_read(nc_context *context, const void *address, int64_t bytes) {
  return context->device->readInteger(address, bytes);
}

void nc_start(nc_context *context, const nc_collective *collective, const void *from, void *to, int32_t lane,
              const char *source) {
  if (int64_t count = nc::sizeOr(context->program, "ranks", 1); count != context->ranks.count())
    nc::failInput(
        nc::format("the program is for %lld ranks, and is alone where it exchanges '%s'", nc::wide(count), source),
        nc::format("'train --ranks=%lld' starts them", nc::wide(count)));
  if (context->exchanges)
    context->exchanges->start(*collective, from, to, lane, source);
  else
    context->ranks.start(*collective, from, to, lane, source);
}

void nc_finish(nc_context *context, int32_t lane) {
  if (context->exchanges)
    context->exchanges->finish(lane);
  else
    context->ranks.finish(lane);
}
