#include "runtime/program/Session.h"

#include "runtime/files/Errors.h"
#include "runtime/program/AllocationCounter.h"
#include "runtime/program/Program.h"

#include <algorithm>
#include <cstring>

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
    : program(checked(program)), device(program.device[0] ? std::make_unique<CudaDevice>(program, gpu) : nullptr),
      exchanges(device ? makeExchanges(*device, alone) : nullptr), arenas(program, device ? device->io() : nullptr),
      team(threads, device ? 0 : program.scratch_bytes, placement) {
  isCurrent.fill(true);
  isTouched.fill(false);
  if (!device)
    touchMemory();
}

void Session::join(Ranks &others) {
  joined = &others;
  if (device)
    exchanges = makeExchanges(*device, others);
}

const void *Session::data(const nc_tensor &tensor) const {
  bool &isHere = isCurrent[size_t(tensor.arena)];
  if (device && tensor.arena != NC_ARENA_IO && !isHere)
    device->download(tensor.arena, arenas.bases()[tensor.arena]);
  isHere = true;
  return arenas.data(tensor);
}

void *Session::mutableData(const nc_tensor &tensor) {
  isTouched[size_t(tensor.arena)] |= device && tensor.arena != NC_ARENA_IO;
  return const_cast<void *>(data(tensor));
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
    void *buffers[] = {mutableData(tensor), &bytes, &parts};
    if (tensor.kind != NC_INPUT && tensor.kind != NC_OUTPUT)
      team.run(touchPart, buffers, parts);
  }
}

void Session::run(const nc_entry &entry, DispatchObserver *observer) {
  nc_context context{team, program, ranks(), observer, device.get(), exchanges.get()};
  if (observer)
    observer->enter(entry);
  if (device)
    sendToDevice();
  char *const *bases = device ? device->bases() : arenas.bases();
  if (device) {
    device->run(entry, [&] { entry.run(&context, bases); }, observer != nullptr);
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
  return withStorage(tensor.dtype, [&](auto type) { return double(static_cast<const decltype(type) *>(base)[index]); });
}

void Session::write(const nc_tensor &tensor, double value, int64_t index) {
  void *base = mutableData(tensor);
  withStorage(tensor.dtype, [&](auto type) { static_cast<decltype(type) *>(base)[index] = decltype(type)(value); });
}

void Session::setScalar(const std::string &name, double value) {
  checkScalar(program, name, value);
  scalars[name] = value;
}

void Session::fillScalars(const nc_entry &entry, int64_t step, int64_t steps) {
  for (const nc_tensor *input : tensorsOf(program, entry, NC_INPUT)) {
    std::string_view name = input->name;
    nc_input when = inputOf(name);
    if (when == NC_OF_STEP) {
      write(*input, double(name == "step" ? step : steps));
    } else if (when == NC_OF_RUN && input->dtype == NC_I32 && elementCount(*input) == 2) {
      for (int half : {0, 1})
        write(*input, int32_t(seed >> (32 * half)), half);
    } else if (when == NC_OF_RUN && input->dtype == NC_I32 && name == "rank") {
      write(*input, ranks().rank());
    } else if (isUserScalar(*input)) {
      auto chosen = scalars.find(name);
      write(*input, chosen == scalars.end() ? input->init_scale : chosen->second);
    } else if (when != NC_OF_BATCH) {
      failRun(format("entry '%s' has an input '%s' that this runtime cannot fill", entry.name, input->name));
    }
  }
}

/// Of numbers in which all bits of `exponent` are set. Whole blocks are looked at, which vectorises.
template <typename Word, Word exponent> static int64_t scan(const char *data, int64_t count) {
  constexpr int64_t kBlock = 1024;
  auto isBad = [&](int64_t i) {
    Word word;
    memcpy(&word, data + i * sizeof(word), sizeof(word));
    return Word(word & exponent) == exponent;
  };
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    int64_t end = std::min(begin + kBlock, count);
    bool any = false;
    for (int64_t i = begin; i < end; ++i)
      any |= isBad(i);
    for (int64_t i = begin; any && i < end; ++i)
      if (isBad(i))
        return i;
  }
  return -1;
}

int64_t firstNonFinite(int32_t dtype, const void *data, int64_t count) {
  auto *bytes = static_cast<const char *>(data);
  return withStorage(dtype, [&](auto element) -> int64_t {
    using Element = decltype(element);
    if constexpr (std::is_same_v<Element, float>)
      return scan<uint32_t, 0x7f800000u>(bytes, count);
    else if constexpr (std::is_same_v<Element, double>)
      return scan<uint64_t, 0x7ff0000000000000u>(bytes, count);
    else if constexpr (std::is_integral_v<Element>)
      return -1;
    else
      return scan<decltype(element.bits), Element::kNonFinite>(bytes, count);
  });
}

} // namespace nc
