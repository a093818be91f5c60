// What this machine can do at best: multiply-adds of f32, bf16, 16-bit and 8-bit integers in registers, and memory
// traffic. Prints a line "name operations-per-second" for each kind of multiply-add it has (each is two), and "memory
// bytes-per-second" for a loop that reads two arrays and writes one. Usage: PROGRAM [THREADS]
//
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <immintrin.h>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
using Vector = __m512i;
#else
using Vector = __m256i;
#endif
constexpr long kLoops = 3'000'000, kRounds = 7;
constexpr int kChains = 12, kLanes = sizeof(Vector) / 4;

// A chain of its own for each accumulator, more of them than an instruction takes cycles.
#define CHAIN(name, instruction)                                                                                       \
  static void name() {                                                                                                 \
    Vector sums[kChains] = {}, x = {}, y = {};                                                                         \
    for (long i = 0; i < kLoops; ++i)                                                                                  \
      for (Vector &sum : sums)                                                                                         \
        asm volatile(instruction " %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y));                                          \
  }
CHAIN(floats, "vfmadd231ps")
#if defined(__AVX512VNNI__)
CHAIN(words, "vpdpwssd")
CHAIN(bytes, "vpdpbusd")
#elif defined(__AVXVNNI__)
CHAIN(words, "{vex} vpdpwssd")
CHAIN(bytes, "{vex} vpdpbusd")
#endif
#if defined(__AVX512BF16__)
CHAIN(halves, "vdpbf16ps")
#endif

/// Calls per second of `body` by all threads, the best of some rounds.
static double rate(const std::function<void(int)> &body, int threads) {
  double best = 0;
  for (long round = 0; round < kRounds; ++round) {
    auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> team;
    for (int i = 0; i < threads; ++i)
      team.emplace_back(body, i);
    for (std::thread &thread : team)
      thread.join();
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    best = std::max(best, threads / took.count());
  }
  return best;
}

/// `each`: operations of one instruction.
static void report(const char *name, void (*body)(), int threads, int each) {
  printf("%s %.4g\n", name, rate([&](int) { body(); }, threads) * kLoops * kChains * each);
}

static void reportMemory(int threads) {
  constexpr size_t size = 16 << 20; // floats of an array: beyond caches
  std::vector<std::vector<float>> arrays(3 * threads);
  rate(
      [&](int i) {
        for (int a = 0; a < 3; ++a)
          if (arrays[3 * i + a].empty())
            arrays[3 * i + a].assign(size, 1.0f);
      },
      threads);
  double passes = rate(
      [&](int i) {
        const float *x = arrays[3 * i].data(), *y = arrays[3 * i + 1].data();
        float *z = arrays[3 * i + 2].data();
        for (size_t k = 0; k < size; k += 4)
          _mm_stream_ps(z + k, _mm_add_ps(_mm_load_ps(x + k), _mm_load_ps(y + k)));
      },
      threads);
  printf("memory %.4g\n", passes * 3 * size * sizeof(float));
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  report("f32", floats, threads, 2 * kLanes);
#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
  report("int16", words, threads, 4 * kLanes);
  report("int8", bytes, threads, 8 * kLanes);
#endif
#if defined(__AVX512BF16__)
  report("bf16", halves, threads, 4 * kLanes);
#endif
  reportMemory(threads);
}
