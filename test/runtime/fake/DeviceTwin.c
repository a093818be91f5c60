// A compiled program whose kernels are emulated, as one for a GPU: linked with such a program, of which nc_programs and
// nc_dispatch were renamed to those below, it runs on the driver that stands in for NVIDIA's.
//
#include "FakeCuda.h"
#include "runtime/Abi.h"
#include <stdio.h>
#include <stdlib.h>

extern const nc_program *const nc_emulated_programs[];

static nc_program program;
const nc_program *const nc_programs[] = {&program, NULL};

__attribute__((constructor)) static void makeProgram(void) {
  program = *nc_emulated_programs[0];
  program.device = "sm_91"; // what the driver says that it has
  program.cpu_features = "";
}

enum { kMostKernels = 4096 };
static struct {
  const nc_kernel_info *emulated;
  nc_kernel_info kernel;
  nc_device_code code;
  Module module;
} twins[kMostKernels];

/// The kernel for the device, always at one address.
static const nc_kernel_info *twinOf(const nc_kernel_info *kernel) {
  for (int i = 0; i < kMostKernels; ++i) {
    if (twins[i].emulated == kernel)
      return &twins[i].kernel;
    if (twins[i].emulated)
      continue;
    twins[i].emulated = kernel;
    twins[i].module = (Module){kernel->run, kernel->n_operands, 0};
    const void *image = &twins[i].module;
    twins[i].code = (nc_device_code){"kernel", image, image, sizeof(Module), kernel->tasks, 32, 0, 0};
    twins[i].kernel = *kernel;
    twins[i].kernel.run = NULL;
    twins[i].kernel.device = &twins[i].code;
    return &twins[i].kernel;
  }
  fprintf(stderr, "more than %d kernels\n", kMostKernels);
  exit(1);
}

void nc_emulated_dispatch(nc_context *context, const nc_kernel_info *kernel, void *const *buffers, const char *source);
void nc_emulated_dispatch(nc_context *context, const nc_kernel_info *kernel, void *const *buffers, const char *source) {
  nc_dispatch(context, twinOf(kernel), buffers, source);
}
