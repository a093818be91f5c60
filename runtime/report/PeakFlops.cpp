#include "runtime/report/PeakFlops.h"
#include <algorithm>
#include <chrono>
#include <numeric>

namespace nc {

// Enough independent sums to hide the latency of a multiply-add, few enough for 16 registers.
static constexpr int kSums = 12;
static constexpr int64_t kRounds = 20000;
static constexpr int kTries = 100;

typedef float Vector512 __attribute__((vector_size(64)));
typedef float Vector256 __attribute__((vector_size(32)));
typedef float Vector128 __attribute__((vector_size(16)));

template <typename Vector> [[gnu::always_inline]] static inline void multiplyAdd(float *values) {
  Vector sums[kSums], factor = Vector{} + values[0], addend = Vector{} + values[1];
  for (Vector &sum : sums)
    sum = addend;
  for (int64_t round = 0; round < kRounds; ++round)
#pragma GCC unroll 12
    for (Vector &sum : sums)
      sum = sum * factor + addend;
  for (int i = 1; i < kSums; ++i)
    sums[0] += sums[i];
  values[2] = sums[0][0];
}

#ifdef __x86_64__
[[gnu::target("avx512f,fma")]] static void multiplyAdd512(float *values) { multiplyAdd<Vector512>(values); }
[[gnu::target("avx2,fma")]] static void multiplyAdd256(float *values) { multiplyAdd<Vector256>(values); }
#endif
static void multiplyAdd128(float *values) { multiplyAdd<Vector128>(values); }

namespace {
struct Variant {
  void (*run)(float *);
  int lanes;
};
} // namespace

static Variant widest() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f"))
    return {multiplyAdd512, 16};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {multiplyAdd256, 8};
#endif
  return {multiplyAdd128, 4};
}

/// Each thread times itself: it may have to wait for its processor before and after.
static void timeOne(void *const *buffers, int64_t task, void *) {
  static const Variant variant = widest();
  float values[3] = {0.999f, 0.001f, 0};
  auto begin = std::chrono::steady_clock::now();
  variant.run(values);
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  double &best = static_cast<double *>(buffers[0])[task];
  best = std::max(best, 2.0 * kSums * variant.lanes * kRounds / seconds.count());
}

double measurePeakFlops(ThreadTeam &team) {
  std::vector<double> best(team.size());
  void *buffer = best.data();
  for (int i = 0; i < kTries; ++i)
    team.run(timeOne, &buffer, team.size());
  return std::accumulate(best.begin(), best.end(), 0.0);
}

} // namespace nc
