// A stand-in for NVIDIA's driver: its devices (FAKE_CUDA_DEVICES, or one) and kernels. A module is the address of a
// kernel for processors and how many operands it has (TinyProgram.c); a launch runs its tasks one after the other.
//
#include "FakeCuda.h"
#include <stdlib.h>
#include <string.h>

enum { kNoDevice = 101, kFailed = 700 };

static int devices(void) { return getenv("FAKE_CUDA_DEVICES") ? atoi(getenv("FAKE_CUDA_DEVICES")) : 1; }
static int checkDevice(int device) { return device < 0 || device >= devices() ? kNoDevice : 0; }

int cuInit(unsigned flags) { return (int)flags; }

int cuDriverGetVersion(int *version) {
  *version = 12040;
  return 0;
}

int cuGetErrorString(int error, const char **text) {
  *text = error == 2     ? "out of memory"
          : error == 700 ? "an illegal memory access was encountered"
          : error == 904 ? "capturing stream has unjoined work"
                         : "unknown";
  return 0;
}

int cuDeviceGetCount(int *count) {
  *count = devices();
  return 0;
}

int cuDeviceGetName(char *name, int size, int device) {
  strncpy(name, "Fake GPU", (size_t)size);
  return checkDevice(device);
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 75 ? 9 : attribute == 76 ? 1 : -1;
  return checkDevice(device);
}

int cuDeviceGetUuid_v2(char uuid[16], int device) {
  memset(uuid, 0, 16);
  uuid[0] = (char)(device + 1);
  return checkDevice(device);
}

int cuDeviceTotalMem_v2(size_t *bytes, int device) {
  *bytes = (size_t)80 << 30;
  return checkDevice(device);
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
  static char contexts[16]; // by device
  *context = &contexts[device];
  return checkDevice(device);
}
int cuCtxSetCurrent(void *context) { return context ? 0 : 201; }
int cuDevicePrimaryCtxRelease_v2(int device) { return checkDevice(device); }

// FAKE_CUDA_TAKES: nothing, or only PTX.
int cuModuleLoadData(void **module, const void *image) {
  const char *takes = getenv("FAKE_CUDA_TAKES");
  *module = (void *)(uintptr_t)image;
  if (takes && (strcmp(takes, "ptx") || !((const Module *)image)->isPtx))
    return 209;
  return isAnyCaptured();
}
int cuModuleGetFunction(void **function, void *module, const char *name) {
  *function = module;
  return strcmp(name, "kernel") ? 500 : 0;
}
int cuFuncSetAttribute(void *function, int attribute, int value) { return !function || attribute != 8 || value < 0; }

static int run(void *argument) {
  const Launch *launch = argument;
  void *buffers[kMostParameters];
  for (int i = 0; i <= launch->module->operands; ++i)
    buffers[i] = fakeCudaHost(launch->parameters[i]);
  for (unsigned task = 0; task < launch->tasks; ++task)
    launch->module->run(buffers, task, buffers[launch->module->operands]);
  return 1;
}

int cuLaunchKernel(const Module *function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned ty,
                   unsigned tz, unsigned shared, Stream *stream, void **parameters, void **extra) {
  if (y != 1 || z != 1 || ty != 1 || tz != 1 || !threads || !stream || extra || shared || getenv("FAKE_CUDA_FAILS"))
    return kFailed;
  Launch launch = {.module = function, .tasks = x};
  for (int i = 0; i <= function->operands; ++i)
    launch.parameters[i] = *(void **)parameters[i];
  return fakeCudaEnqueue(stream, run, &launch, sizeof(launch), 1);
}
