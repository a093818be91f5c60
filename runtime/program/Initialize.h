// The first values of parameters and states.
//
#pragma once

#include "runtime/program/Session.h"

namespace nc {

/// The standard normal at an address; elements 2i and 2i+1 share the Philox block i. Computed in
/// double, so that a program compiled in f64 starts where the f32 one does, up to rounding.
double normalAt(uint64_t seed, uint32_t id, uint64_t element);

/// Fills every parameter and state by its own rule. The stream of a tensor is named after it:
/// adding a tensor leaves the others as they were. The same for any number of threads.
void initialize(Session &session, uint64_t seed);
/// The same for states alone.
void initializeStates(Session &session, uint64_t seed);

} // namespace nc
