// SPDX-License-Identifier: Apache-2.0
#include "runtime/Session.h"

#include "runtime/AllocationCounter.h"
#include "runtime/Errors.h"
#include "runtime/Program.h"

#include <cmath>

namespace nc {

static const nc_program &checked(const nc_program &program) {
  checkProgram(program);
  return program;
}

/// A task that writes to every page of its part of `buffers[0]` (char), of buffers[1] (int64_t)
/// bytes in buffers[2] (int64_t) parts.
static void touchPart(void *const *buffers, int64_t task, void *) {
  int64_t bytes = *static_cast<int64_t *>(buffers[1]), parts = *static_cast<int64_t *>(buffers[2]);
  constexpr int64_t kPage = 4096;
  for (int64_t at = bytes * task / parts; at < bytes * (task + 1) / parts; at += kPage)
    static_cast<volatile char *>(buffers[0])[at] = 0;
}

Session::Session(const nc_program &program, int threads, Placement placement, int gpu)
    : program(checked(program)),
      device(program.device[0] ? std::make_unique<CudaDevice>(program, gpu) : nullptr),
      arenas(program, device ? device->io() : nullptr),
      team(threads, device ? 0 : program.scratch_bytes, placement) {
  isCurrent.fill(true);
  isTouched.fill(false);
  if (!device)
    touchMemory();
}

void *Session::data(const nc_tensor &tensor) const {
  bool isCopy = device && tensor.arena != NC_ARENA_IO;
  if (isCopy && !isCurrent[size_t(tensor.arena)])
    device->download(tensor.arena, arenas.bases()[tensor.arena]);
  if (isCopy)
    isCurrent[size_t(tensor.arena)] = isTouched[size_t(tensor.arena)] = true;
  return arenas.data(tensor);
}

void Session::sendToDevice() {
  for (int arena = 0; arena < NC_ARENA_COUNT; ++arena) {
    if (isTouched[size_t(arena)])
      device->upload(arena, arenas.bases()[arena]);
    isTouched[size_t(arena)] = isCurrent[size_t(arena)] = false;
  }
}

void Session::touchMemory() {
  int64_t parts = team.size();
  for (int32_t i = 0; i < program.n_tensors; ++i) {
    const nc_tensor &tensor = program.tensors[i];
    int64_t bytes = tensor.bytes;
    void *buffers[] = {data(tensor), &bytes, &parts};
    if (tensor.kind == NC_PARAM || tensor.kind == NC_STATE || tensor.kind == NC_GRADIENT)
      team.run(touchPart, buffers, parts);
  }
}

void Session::run(const nc_entry &entry, DispatchObserver *observer) {
  nc_context context{team, observer, device.get()};
  if (observer)
    observer->enter(entry);
  if (device)
    sendToDevice();
  char *const *bases = device ? device->bases() : arenas.bases();
  if (device) {
    device->run(
        entry, [&] { entry.run(&context, bases); }, observer != nullptr);
  } else if (observer) {
    entry.run(&context, bases);
  } else {
    AllocationScope scope;
    entry.run(&context, bases);
  }
  if (observer)
    observer->leave(entry);
}

double Session::read(const nc_tensor &tensor, int64_t index) const {
  const void *base = data(tensor);
  switch (tensor.dtype) {
  case NC_F32:
    return static_cast<const float *>(base)[index];
  case NC_F64:
    return static_cast<const double *>(base)[index];
  case NC_I32:
    return static_cast<const int32_t *>(base)[index];
  case NC_I8:
    return static_cast<const int8_t *>(base)[index];
  case NC_I16:
    return static_cast<const int16_t *>(base)[index];
  default:
    return static_cast<const int64_t *>(base)[index];
  }
}

void Session::write(const nc_tensor &tensor, double value, int64_t index) {
  void *base = data(tensor);
  switch (tensor.dtype) {
  case NC_F32:
    static_cast<float *>(base)[index] = float(value);
    return;
  case NC_F64:
    static_cast<double *>(base)[index] = value;
    return;
  case NC_I32:
    static_cast<int32_t *>(base)[index] = int32_t(value);
    return;
  case NC_I8:
    static_cast<int8_t *>(base)[index] = int8_t(value);
    return;
  case NC_I16:
    static_cast<int16_t *>(base)[index] = int16_t(value);
    return;
  default:
    static_cast<int64_t *>(base)[index] = int64_t(value);
  }
}

void Session::setScalar(const std::string &name, double value) {
  checkScalar(program, name, value);
  scalars[name] = value;
}

void Session::fillScalars(const nc_entry &entry, int64_t step, int64_t steps) {
  for (const nc_tensor *input : tensorsOf(program, entry, NC_INPUT)) {
    std::string_view name = input->name;
    if (name == "tokens" || name == "targets" || name == "position")
      continue;
    if (name == "step" || name == "steps") {
      write(*input, double(name == "step" ? step : steps));
      continue;
    }
    if (name == "seed" && input->dtype == NC_I32 && elementCount(*input) == 2) {
      for (int half : {0, 1})
        write(*input, int32_t(seed >> (32 * half)), half);
      continue;
    }
    if (!isUserScalar(*input))
      failRun(format("entry '%s' has an input '%s' that this runtime cannot fill", entry.name,
                     input->name));
    auto chosen = scalars.find(name);
    write(*input, chosen == scalars.end() ? input->init_scale : chosen->second);
  }
}

template <typename Number> static int64_t scan(const void *data, int64_t count) {
  auto *values = static_cast<const Number *>(data);
  for (int64_t i = 0; i < count; ++i)
    if (!std::isfinite(values[i]))
      return i;
  return -1;
}

int64_t firstNonFinite(int32_t dtype, const void *data, int64_t count) {
  if (dtype == NC_F32)
    return scan<float>(data, count);
  return dtype == NC_F64 ? scan<double>(data, count) : -1;
}

} // namespace nc
