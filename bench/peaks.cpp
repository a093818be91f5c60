// What this machine's vector units can do at best: multiply-adds of f32, of 16-bit and of 8-bit integers, in registers.
// Prints operations per second (a multiply-add is two), 0 for instructions it lacks. Usage: PROGRAM [THREADS]
//
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <immintrin.h>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
using Vector = __m512i;
#else
using Vector = __m256i;
#endif
constexpr long kLoops = 3'000'000, kRounds = 7;
constexpr int kChains = 12;

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

/// Operations per second of all threads, an instruction doing `each`: the best of some rounds.
static double rate(void (*body)(), int threads, int each) {
  double best = 0;
  for (long round = 0; round < kRounds; ++round) {
    auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> team;
    for (int i = 0; i < threads; ++i)
      team.emplace_back(body);
    for (std::thread &thread : team)
      thread.join();
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    best = std::max(best, double(threads) * kLoops * kChains * each / took.count());
  }
  return best;
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1, lanes = sizeof(Vector) / 4;
  double f32 = rate(floats, threads, 2 * lanes), i16 = 0, i8 = 0;
#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
  i16 = rate(words, threads, 4 * lanes);
  i8 = rate(bytes, threads, 8 * lanes);
#endif
  printf("%.4g %.4g %.4g\n", f32, i16, i8);
}
