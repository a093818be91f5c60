// SPDX-License-Identifier: Apache-2.0
#include "runtime/Dispatch.h"

int64_t nc::elementCount(const nc_operand &operand) {
  int64_t count = 1;
  for (int32_t i = 0; i < operand.rank; ++i)
    count *= operand.shape[i];
  return count;
}

void nc_dispatch(nc_context *context, const nc_kernel_info *kernel, void *const *buffers,
                 const char *source) {
  nc::KernelCall call{*kernel, buffers, source};
  if (context->observer)
    context->observer->before(call);
  context->team.run(kernel->run, buffers, kernel->tasks);
  if (context->observer)
    context->observer->after(call);
}
