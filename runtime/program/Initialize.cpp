#include "runtime/program/Initialize.h"
#include "runtime/program/Philox.h"
#include "runtime/program/Program.h"
#include <algorithm>
#include <cmath>

namespace nc {

double normalAt(uint64_t seed, uint32_t id, uint64_t element) {
  PhiloxBlock block = drawBlock(seed, 0, id, element / 2);
  // Box-Muller; 1 - u lies in (0, 1], so the logarithm is finite.
  double radius = std::sqrt(-2 * std::log(1 - unit(word64(block, 0))));
  double angle = 2 * M_PI * unit(word64(block, 1));
  return radius * (element % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

namespace {

struct Fill {
  Session &session;
  const nc_tensor &tensor;
  uint64_t seed;
};

} // namespace

static constexpr int64_t elementsPerTask = 1 << 14;

/// An nc_kernel: `buffers` is one Fill, the task a run of its elements.
static void fillRun(void *const *buffers, int64_t task, void *) {
  auto &fill = *static_cast<Fill *>(buffers[0]);
  uint32_t id = streamId(fill.tensor.name);
  double scale = fill.tensor.init_scale;
  int64_t end = std::min((task + 1) * elementsPerTask, elementCount(fill.tensor));
  for (int64_t i = task * elementsPerTask; i < end; ++i)
    fill.session.write(fill.tensor, fill.tensor.init == NC_INIT_NORMAL ? scale * normalAt(fill.seed, id, i) : scale, i);
}

static void initialize(Session &session, nc_kind kind, uint64_t seed) {
  for (const nc_tensor *tensor : tensorsOf(session.program, kind)) {
    Fill fill{session, *tensor, seed};
    void *buffers[] = {&fill};
    int64_t tasks = (elementCount(*tensor) + elementsPerTask - 1) / elementsPerTask;
    session.threads().run(fillRun, buffers, tasks);
  }
}

void initialize(Session &session, uint64_t seed) {
  initialize(session, NC_PARAM, seed);
  initializeStates(session, seed);
}

void initializeStates(Session &session, uint64_t seed) { initialize(session, NC_STATE, seed); }

} // namespace nc
