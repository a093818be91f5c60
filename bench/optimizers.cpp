// Times the entries of a program that has nothing but an optimizer to do, and what the machine can do at best:
// reading two arrays and writing one, and multiply-adds in registers. Usage: PROGRAM ENTRY [THREADS]
//
#include "runtime/program/Processors.h"
#include "runtime/program/Program.h"
#include "runtime/program/Session.h"
#include "runtime/report/PeakFlops.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {
constexpr int64_t kElements = int64_t(1) << 25, kTasks = 256, kRounds = 9;

/// The fastest of some rounds, in seconds.
template <typename Body> double best(Body body) {
  double fastest = 1e30;
  for (int64_t i = 0; i < kRounds; ++i) {
    auto begin = std::chrono::steady_clock::now();
    body();
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    fastest = std::min(fastest, took.count());
  }
  return fastest;
}

void scaleAndAdd(void *const *buffers, int64_t task, void *) {
  auto *a = static_cast<float *>(buffers[0]);
  auto *b = static_cast<const float *>(buffers[1]);
  for (int64_t i = task * (kElements / kTasks); i < (task + 1) * (kElements / kTasks); ++i)
    a[i] = 0.5f * a[i] + b[i];
}

/// Zeros in large pages, as a program's memory.
float *allocate(int64_t elements) {
  constexpr size_t kPage = size_t(1) << 21;
  size_t bytes = (elements * sizeof(float) + kPage - 1) / kPage * kPage;
  void *memory = std::aligned_alloc(kPage, bytes);
  madvise(memory, bytes, MADV_HUGEPAGE);
  std::fill_n(static_cast<float *>(memory), elements, 0.0f);
  return static_cast<float *>(memory);
}
} // namespace

int main(int argc, char **argv) {
  if (argc < 2)
    return 2;
  int threads = argc > 2 ? atoi(argv[2]) : nc::availableProcessors();
  nc::Session session(*nc_programs[0], threads);
  const nc_entry &entry = nc::getEntry(*nc_programs[0], argv[1]);
  for (int32_t i = 0; i < entry.n_tensors; ++i) {
    const nc_tensor &tensor = nc_programs[0]->tensors[entry.tensors[i]];
    if (tensor.kind == NC_PARAM || tensor.kind == NC_GRADIENT)
      for (int64_t k = 0; k < nc::elementCount(tensor); ++k)
        session.write(tensor, 1e-3 * double(k * 2654435761u % 2001) - 1, k);
  }
  session.fillScalars(entry, 1, 100);
  session.run(entry);
  double entrySeconds = best([&] { session.run(entry); });
  void *arrays[] = {allocate(kElements), allocate(kElements)};
  double copySeconds = best([&] { session.threads().run(scaleAndAdd, arrays, kTasks); });
  printf("%.6f %.3e %.3e\n", entrySeconds, 12.0 * kElements / copySeconds, nc::measurePeakFlops(session.threads()));
}
