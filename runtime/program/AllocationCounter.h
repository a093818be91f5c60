// Counts heap allocations, to hold the promise that a step makes none.
//
#pragma once

#include <cstdint>

namespace nc {

/// While one lives, every malloc, calloc, realloc and aligned allocation of any thread counts.
class AllocationScope {
public:
  AllocationScope();
  ~AllocationScope();
  AllocationScope(const AllocationScope &) = delete;
  AllocationScope &operator=(const AllocationScope &) = delete;
};

/// What the calling thread allocates counts no more: it has no part in steps.
void exemptThread();

/// Allocations seen by all scopes so far; -1 where they cannot be seen (sanitizers, other libcs).
int64_t countedAllocations();

} // namespace nc
