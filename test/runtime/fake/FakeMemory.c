// Memory of the driver that stands in for NVIDIA's, and copies. Device memory has addresses that no host can read.
//
#include "FakeCuda.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kInvalid = 1, kOutOfMemory = 2, kUnsupported = 900, kMost = 64 };

static const uint64_t kDeviceBit = (uint64_t)1 << 62;

typedef struct Allocation {
  uint64_t address;
  size_t bytes;
} Allocation;
// Of the device, and of the host what the device copies from and to by itself.
static Allocation allocations[kMost], pinned[kMost];
static size_t allocated;

void *fakeCudaHost(const void *address) { return (void *)((uintptr_t)address & ~kDeviceBit); }
static void *hostOf(uint64_t address) { return fakeCudaHost((const void *)address); }

static Allocation *find(Allocation *among, uint64_t address) {
  for (int i = 0; i < kMost; ++i)
    if (among[i].bytes && address >= among[i].address && address < among[i].address + among[i].bytes)
      return &among[i];
  return NULL;
}
static int keep(Allocation *among, uint64_t address, size_t bytes) {
  for (int i = 0; i < kMost; ++i)
    if (!among[i].bytes) {
      among[i] = (Allocation){address, bytes};
      return 0;
    }
  return kOutOfMemory;
}

// FAKE_CUDA_MEMORY: what an allocation may have at most. Every byte counts; what is freed is taken off again.
int cuMemGetInfo_v2(size_t *left, size_t *all) {
  *all = (size_t)80 << 30;
  *left = *all - allocated;
  return 0;
}
int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  const char *most = getenv("FAKE_CUDA_MEMORY");
  if (most && bytes > strtoull(most, 0, 10))
    return kOutOfMemory;
  size_t whole = (bytes + 255) / 256 * 256;
  *address = (uint64_t)aligned_alloc(256, whole) | kDeviceBit;
  allocated += whole;
  return keep(allocations, *address, whole);
}
int cuMemFree_v2(uint64_t address) {
  Allocation *found = find(allocations, address);
  if (!found)
    return kInvalid;
  finishAll();
  allocated -= found->bytes;
  found->bytes = 0;
  free(hostOf(address));
  return 0;
}
int cuMemHostAlloc(void **memory, size_t bytes, unsigned flags) {
  *memory = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  return flags ? kInvalid : keep(pinned, (uint64_t)*memory, bytes);
}
int cuMemFreeHost(void *memory) {
  Allocation *found = find(pinned, (uint64_t)memory);
  if (!found)
    return kInvalid;
  finishAll();
  found->bytes = 0;
  free(memory);
  return 0;
}

typedef struct Copy {
  void *to;
  const void *from; // null to fill with `value`
  size_t bytes;
  unsigned char value;
  void *own; // what goes with it
} Copy;
static int copy(void *argument) {
  Copy *copy = argument;
  copy->from ? memmove(copy->to, copy->from, copy->bytes) : memset(copy->to, copy->value, copy->bytes);
  free(copy->own);
  return 1;
}
static int enqueue(Stream *stream, Copy what) { return fakeCudaEnqueue(stream, copy, &what, sizeof(what), 0); }

int cuMemsetD8Async(uint64_t address, unsigned char value, size_t bytes, Stream *stream) {
  return enqueue(stream, (Copy){hostOf(address), NULL, bytes, value, NULL});
}
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, Stream *stream) {
  return enqueue(stream, (Copy){hostOf(to), hostOf(from), bytes, 0, NULL});
}
// FAKE_CUDA_SAYS: every upload, in a line on standard error. Memory that the device does not read by itself is copied
// at once, for the caller may write to it again.
int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, Stream *stream) {
  if (getenv("FAKE_CUDA_SAYS"))
    fprintf(stderr, "upload of %zu bytes\n", bytes);
  if (find(pinned, (uint64_t)from))
    return enqueue(stream, (Copy){hostOf(to), from, bytes, 0, NULL});
  if (!stream || stream->capture)
    return kUnsupported;
  void *own = memcpy(malloc(bytes), from, bytes);
  return enqueue(stream, (Copy){hostOf(to), own, bytes, 0, own});
}
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, Stream *stream) {
  int error = enqueue(stream, (Copy){to, hostOf(from), bytes, 0, NULL});
  return error || find(pinned, (uint64_t)to) ? error : cuStreamSynchronize(stream);
}
// Waits for no stream of those that there are.
int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes) {
  memcpy(to, hostOf(from), bytes);
  return isAnyCaptured();
}
