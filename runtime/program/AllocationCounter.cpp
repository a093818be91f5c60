#include "runtime/program/AllocationCounter.h"
#include <atomic>
#include <cerrno>
#include <cstdlib>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define NC_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NC_SANITIZED
#endif
#if defined(__GLIBC__) && !defined(NC_SANITIZED)
#define NC_COUNTS_ALLOCATIONS
#endif

static std::atomic<int> openScopes{0};
[[maybe_unused]] static std::atomic<int64_t> allocations{0};
static thread_local bool isExempt = false;

namespace nc {

AllocationScope::AllocationScope() { openScopes.fetch_add(1); }
AllocationScope::~AllocationScope() { openScopes.fetch_sub(1); }

void exemptThread() { isExempt = true; }

int64_t countedAllocations() {
#ifdef NC_COUNTS_ALLOCATIONS
  return allocations.load();
#else
  return -1;
#endif
}

} // namespace nc

#ifdef NC_COUNTS_ALLOCATIONS

static void countAllocation() {
  if (openScopes.load(std::memory_order_relaxed) != 0 && !isExempt)
    allocations.fetch_add(1, std::memory_order_relaxed);
}

// Weak, so that a program may still link another allocator; `free` stays glibc's, whose heap
// these functions use.
extern "C" {
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

__attribute__((weak)) void *malloc(size_t bytes) {
  countAllocation();
  return __libc_malloc(bytes);
}

__attribute__((weak)) void *calloc(size_t count, size_t bytes) {
  countAllocation();
  return __libc_calloc(count, bytes);
}

__attribute__((weak)) void *realloc(void *memory, size_t bytes) {
  countAllocation();
  return __libc_realloc(memory, bytes);
}

__attribute__((weak)) void *aligned_alloc(size_t alignment, size_t bytes) {
  countAllocation();
  return __libc_memalign(alignment, bytes);
}

__attribute__((weak)) int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  countAllocation();
  if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
    return EINVAL;
  void *found = __libc_memalign(alignment, bytes);
  if (!found)
    return ENOMEM;
  *memory = found;
  return 0;
}
}

#endif // NC_COUNTS_ALLOCATIONS
