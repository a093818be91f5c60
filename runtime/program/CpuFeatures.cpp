#include "runtime/program/CpuFeatures.h"

#include <cstdlib>
#include <sstream>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace nc {

#if defined(__x86_64__)
namespace {

enum Register { A, B, C, D };

/// A word of CPUID: which instruction sets its bits say that a processor has (Intel SDM 2A, CPUID).
struct Word {
  unsigned leaf, subleaf;
  Register word;
  std::string_view sets; // LLVM's names, and bits
};

/// All that vector code is made of, whether or not a row makes use of it today, and what else x86-64-v3 has.
constexpr Word kWords[] = {
    {1, 0, C, " fma:12 movbe:22 f16c:29"},
    {0x80000001, 0, C, " lzcnt:5"},
    {7, 0, B, " bmi:3 avx2:5 bmi2:8 avx512f:16 avx512dq:17 avx512ifma:21 avx512cd:28 avx512bw:30 avx512vl:31"},
    {7, 0, C,
     " avx512vbmi:1 avx512vbmi2:6 gfni:8 vaes:9 vpclmulqdq:10 avx512vnni:11 avx512bitalg:12 avx512vpopcntdq:14"},
    {7, 0, D, " avx512vp2intersect:8 amx-bf16:22 avx512fp16:23 amx-tile:24 amx-int8:25"},
    {7, 1, A, " avxvnni:4 avx512bf16:5 amx-fp16:21 avxifma:23"},
    {7, 1, D, " avxvnniint8:4 avxneconvert:5 amx-complex:8 avxvnniint16:10"},
};

/// A word of CPUID; 0 where there is none.
unsigned askProcessor(unsigned leaf, unsigned subleaf, Register word) {
  unsigned words[4] = {};
  __get_cpuid_count(leaf, subleaf, &words[A], &words[B], &words[C], &words[D]);
  return words[word];
}

/// Does the operating system keep the registers of a thread that the instruction set has (XCR0; SDM 1, 13.2)?
bool areKept(std::string_view set) {
  unsigned kept = 0, high, isReadable = askProcessor(1, 0, C) >> 27 & 1;
  if (isReadable)
    __asm__("xgetbv" : "=a"(kept), "=d"(high) : "c"(0));
  unsigned registers = set.substr(0, 6) == "avx512" ? 0xe6 : set.substr(0, 3) == "amx" ? 0x60000 : 0x6;
  return (registers & kept) == registers;
}

} // namespace
#endif

static bool hasFeature(const std::string &name) {
#if defined(__x86_64__)
  std::string key = " " + name + ":";
  for (const Word &word : kWords)
    if (size_t at = word.sets.find(key); at != word.sets.npos)
      return askProcessor(word.leaf, word.subleaf, word.word) >> atoi(&word.sets[at + key.size()]) & 1 && areKept(name);
#endif
  return true;
}

std::string missingFeatures(const std::string &required) {
  std::string missing;
  std::istringstream names(required);
  for (std::string name; std::getline(names, name, ',');)
    if (!hasFeature(name))
      missing += (missing.empty() ? "" : ", ") + name;
  return missing;
}

} // namespace nc
