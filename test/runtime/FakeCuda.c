// A stand-in for NVIDIA's driver with one device, for the test of `doctor`.
//
#include <stddef.h>
#include <string.h>

int cuInit(unsigned flags) { return (int)flags; }

int cuDriverGetVersion(int *version) {
  *version = 12040;
  return 0;
}

int cuDeviceGetCount(int *count) {
  *count = 1;
  return 0;
}

int cuDeviceGetName(char *name, int size, int device) {
  if (device != 0)
    return 101;
  strncpy(name, "Fake GPU", (size_t)size);
  return 0;
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 75 ? 9 : attribute == 76 ? 1 : -1;
  return device;
}

int cuDeviceTotalMem_v2(size_t *bytes, int device) {
  *bytes = (size_t)80 << 30;
  return device;
}

// What runs programs. A module is the address of a kernel for processors and how many operands it
// has (TinyProgram.c); a launch runs its tasks one after the other, at once or, while a stream is
// captured, whenever the graph is launched. Device memory has addresses that no host can read.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef void (*Kernel)(void *const *buffers, int64_t task, void *scratch);
typedef struct Module {
  Kernel run;
  int64_t operands, isPtx;
} Module;
typedef struct Launch {
  const Module *module;
  unsigned tasks;
  void *parameters[64];
  struct Launch *next;
} Launch;

static const uint64_t kDeviceBit = (uint64_t)1 << 62;
static Launch *captured, *last, **end;
static int isCapturing, instances;

static int fakeOutOfMemory(size_t bytes) {
  return getenv("FAKE_CUDA_MEMORY") && bytes > strtoull(getenv("FAKE_CUDA_MEMORY"), 0, 10);
}
static void *hostOf(uint64_t address) { return (void *)(address & ~kDeviceBit); }

int cuGetErrorString(int error, const char **text) {
  *text = error == 2     ? "out of memory"
          : error == 700 ? "an illegal memory access was encountered"
                         : "unknown";
  return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int device) {
  *context = context;
  return device;
}
int cuCtxSetCurrent(void *context) { return context ? 0 : 201; }
int cuDevicePrimaryCtxRelease_v2(int device) { return device; }
int cuStreamCreate(void **stream, unsigned flags) {
  *stream = stream;
  return flags != 1;
}
int cuEventCreate(void **event, unsigned flags) {
  *event = event;
  return (int)flags;
}
int cuEventRecord(void *event, void *stream) { return !event || !stream || isCapturing ? 900 : 0; }
int cuEventElapsedTime(float *milliseconds, void *begin, void *end) {
  *milliseconds = 2.5f;
  return begin == end;
}
int cuStreamSynchronize(void *stream) { return !stream || isCapturing ? 900 : 0; }
// Every byte counts; what is freed is taken off again.
static size_t allocated;
static struct {
  uint64_t address;
  size_t bytes;
} allocations[64];
int cuMemGetInfo_v2(size_t *left, size_t *all) {
  *all = (size_t)80 << 30;
  *left = *all - allocated;
  return 0;
}
int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  if (fakeOutOfMemory(bytes))
    return 2;
  size_t whole = (bytes + 255) / 256 * 256;
  *address = (uint64_t)aligned_alloc(256, whole) | kDeviceBit;
  for (int i = 0; i < 64; ++i)
    if (!allocations[i].bytes) {
      allocations[i].address = *address;
      allocations[i].bytes = whole;
      allocated += whole;
      return 0;
    }
  return 2;
}
int cuMemFree_v2(uint64_t address) {
  for (int i = 0; i < 64; ++i)
    if (allocations[i].address == address) {
      allocated -= allocations[i].bytes;
      allocations[i].bytes = 0;
    }
  free(hostOf(address));
  return 0;
}
int cuMemHostAlloc(void **memory, size_t bytes, unsigned flags) {
  *memory = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  return (int)flags;
}
int cuMemFreeHost(void *memory) {
  free(memory);
  return 0;
}
int cuMemsetD8Async(uint64_t address, unsigned char value, size_t bytes, void *stream) {
  memset(hostOf(address), value, bytes);
  return !stream;
}
// FAKE_CUDA_SAYS: every upload, in a line on standard error.
int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *stream) {
  if (getenv("FAKE_CUDA_SAYS"))
    fprintf(stderr, "upload of %zu bytes\n", bytes);
  memcpy(hostOf(to), from, bytes);
  return !stream || isCapturing;
}
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *stream) {
  memcpy(to, hostOf(from), bytes);
  return !stream || isCapturing;
}
int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes) {
  memcpy(to, hostOf(from), bytes);
  return isCapturing;
}
// FAKE_CUDA_TAKES: nothing, or only PTX.
int cuModuleLoadData(void **module, const void *image) {
  const char *takes = getenv("FAKE_CUDA_TAKES");
  *module = (void *)(uintptr_t)image;
  if (takes && (strcmp(takes, "ptx") || !((const Module *)image)->isPtx))
    return 209;
  return isCapturing;
}
int cuModuleGetFunction(void **function, void *module, const char *name) {
  *function = module;
  return strcmp(name, "kernel") ? 500 : 0;
}
int cuFuncSetAttribute(void *function, int attribute, int value) {
  return !function || attribute != 8 || value < 0;
}

static int run(const Launch *launch) {
  void *buffers[64];
  for (int i = 0; i <= launch->module->operands; ++i)
    buffers[i] = hostOf((uint64_t)launch->parameters[i]);
  for (unsigned task = 0; task < launch->tasks; ++task)
    launch->module->run(buffers, task, buffers[launch->module->operands]);
  return 0;
}
int cuLaunchKernel(void *function, unsigned x, unsigned y, unsigned z, unsigned threads,
                   unsigned ty, unsigned tz, unsigned shared, void *stream, void **parameters,
                   void **extra) {
  if (y != 1 || z != 1 || ty != 1 || tz != 1 || !threads || !stream || extra || shared ||
      getenv("FAKE_CUDA_FAILS"))
    return 700;
  Launch launch = {.module = function, .tasks = x};
  for (int i = 0; i <= launch.module->operands; ++i)
    launch.parameters[i] = *(void **)parameters[i];
  if (!isCapturing)
    return run(&launch);
  last = *end = malloc(sizeof(Launch));
  *last = launch;
  end = &last->next;
  return 0;
}
int cuStreamBeginCapture_v2(void *stream, int mode) {
  isCapturing = 1;
  captured = last = 0;
  end = &captured;
  return !stream || mode != 1;
}
int cuStreamEndCapture(void *stream, void **graph) {
  isCapturing = 0;
  *graph = captured;
  return !stream;
}
int cuStreamGetCaptureInfo_v2(void *stream, int *status, unsigned long long *id, void **graph,
                              void *const **dependencies, size_t *count) {
  *status = isCapturing;
  *id = 1;
  *graph = 0;
  *dependencies = (void *const *)&last;
  *count = last != 0;
  return !stream;
}
// FAKE_CUDA_SAYS: every graph, with its size.
int cuGraphInstantiateWithFlags(void **instance, void *graph, unsigned long long flags) {
  int size = 0;
  for (const Launch *launch = graph; launch; launch = launch->next)
    ++size;
  if (getenv("FAKE_CUDA_SAYS"))
    fprintf(stderr, "graph of %d kernels\n", size);
  ++instances;
  *instance = graph;
  return flags != 0;
}
// A graph and its instance are one list here, which goes with the graph, after the instance.
int cuGraphDestroy(void *graph) {
  for (Launch *launch = graph, *next; launch; launch = next) {
    next = launch->next;
    free(launch);
  }
  return 0;
}
int cuGraphExecDestroy(void *instance) { return --instances < 0 || !instance; }
typedef struct NodeParameters {
  void *function;
  unsigned blocks[3], threads[3], shared;
  void **parameters, **extra;
} NodeParameters;
int cuGraphExecKernelNodeSetParams(void *instance, void *node, const NodeParameters *now) {
  Launch *launch = instance;
  while (launch && launch != node)
    launch = launch->next;
  if (!launch || now->function != launch->module || now->blocks[0] != launch->tasks || now->extra)
    return 1;
  for (int i = 0; i <= launch->module->operands; ++i)
    launch->parameters[i] = *(void **)now->parameters[i];
  return 0;
}
int cuGraphLaunch(void *instance, void *stream) {
  for (const Launch *launch = instance; launch; launch = launch->next)
    run(launch);
  return !stream;
}
