#include "runtime/program/Initialize.h"
#include "runtime/program/NumberWriter.h"
#include "runtime/program/Philox.h"
#include "runtime/program/Program.h"
#include "runtime/program/Shares.h"
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

/// Whole rows, some 16 K elements of them.
static int64_t elementsPerTask(const nc_tensor &tensor) {
  int64_t row = std::max<int64_t>(1, rowLength(tensor));
  return row * std::max<int64_t>(1, (1 << 14) / row);
}

/// An nc_kernel: `buffers` is one Fill, the task a run of its elements. Those of a share are what they are in the
/// whole; behind its last row parameters are zero.
static void fillRun(void *const *buffers, int64_t task, void *) {
  auto &fill = *static_cast<Fill *>(buffers[0]);
  uint32_t id = streamId(fill.tensor.name);
  double scale = fill.tensor.init_scale;
  int rank = fill.session.ranks().rank();
  int64_t before = ownFirst(fill.tensor, rank), own = ownCount(fill.tensor, rank);
  int64_t begin = task * elementsPerTask(fill.tensor);
  int64_t end = std::min(begin + elementsPerTask(fill.tensor), elementCount(fill.tensor));
  NumberWriter writer(fill.session, fill.tensor, begin);
  for (int64_t i = begin; i < end; ++i)
    if (i >= own && fill.tensor.kind == NC_PARAM)
      writer.put(0);
    else
      writer.put(fill.tensor.init == NC_INIT_NORMAL ? scale * normalAt(fill.seed, id, before + i) : scale);
}

static void initialize(Session &session, nc_kind kind, uint64_t seed) {
  for (const nc_tensor *tensor : tensorsOf(session.program, kind)) {
    Fill fill{session, *tensor, seed};
    void *buffers[] = {&fill};
    int64_t run = elementsPerTask(*tensor), tasks = (elementCount(*tensor) + run - 1) / run;
    session.threads().run(fillRun, buffers, tasks);
  }
}

void initialize(Session &session, uint64_t seed) {
  initialize(session, NC_PARAM, seed);
  initializeStates(session, seed);
}

void initializeStates(Session &session, uint64_t seed) { initialize(session, NC_STATE, seed); }

} // namespace nc
