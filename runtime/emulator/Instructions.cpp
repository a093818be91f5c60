#include "runtime/emulator/Block.h"
#include "runtime/program/DTypes.h"

#include <cmath>
#include <cstring>

using namespace nc::emulator;

namespace {

constexpr uint32_t kAll = ~0u;

Block &block() { return Block::current(); }

float floatOf(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

uint32_t bitsOf(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

/// Factors stored as `Storage`, 32 bytes of k.
template <typename Storage> struct Factors {
  static constexpr int perWord = 4 / sizeof(Storage), k = 8 * perWord;
  static constexpr bool isInteger = std::is_integral_v<Storage>;
  using Number = std::conditional_t<isInteger, int64_t, double>;

  /// Element i of a word.
  static Number get(uint32_t word, int i) {
    if constexpr (std::is_same_v<Storage, float>)
      word &= 0xffffe000;
    Storage element;
    memcpy(&element, reinterpret_cast<const char *>(&word) + i * sizeof(element), sizeof(element));
    return Number(element);
  }
};

/// d = a·b + c of a warp's fragments (PTX ISA 9.7.14.5.7 and following). With g = lane / 4, t =
/// lane % 4: the 32 bytes of a row of k are 8 words; word w of a is of row g + 8·(w % 2) and its
/// word t + 4·(w / 2); word w of b is of column g and its word t + 4·w; word w of c and d is of row
/// g + 8·(w / 2) and column 2·t + w % 2.
template <typename Type> void multiply(Warp &warp) {
  using Number = typename Type::Number;
  Number a[16][Type::k], b[8][Type::k];
  for (int lane = 0; lane < kWarp; ++lane) {
    const uint64_t *in = warp.in[lane];
    int g = lane / 4, t = lane % 4;
    for (int e = 0; e < Type::perWord; ++e) {
      for (int w = 0; w < 4; ++w)
        a[g + 8 * (w % 2)][(t + 4 * (w / 2)) * Type::perWord + e] = Type::get(uint32_t(in[w]), e);
      for (int w = 0; w < 2; ++w)
        b[g][(t + 4 * w) * Type::perWord + e] = Type::get(uint32_t(in[4 + w]), e);
    }
  }
  for (int lane = 0; lane < kWarp; ++lane)
    for (int w = 0; w < 4; ++w) {
      int row = lane / 4 + 8 * (w / 2), column = 2 * (lane % 4) + w % 2;
      Number sum = 0;
      for (int k = 0; k < Type::k; ++k)
        sum += a[row][k] * b[column][k];
      uint32_t c = uint32_t(warp.in[lane][6 + w]);
      if constexpr (Type::isInteger)
        warp.out[lane][w] = uint32_t(int64_t(int32_t(c)) + sum);
      else
        warp.out[lane][w] = bitsOf(float(double(floatOf(c)) + sum));
    }
}

template <typename Type> void mma(const char *what, const uint32_t *in, uint32_t *out) {
  uint64_t words[10];
  std::copy(in, in + 10, words);
  const uint64_t *result = block().meet(what, kAll, words, 10, [](Warp &warp, uint32_t) { multiply<Type>(warp); });
  std::copy(result, result + 4, out);
}

/// A number of four bits, E2M1.
double numberOf(uint32_t bits) {
  constexpr double sizes[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  return bits & 8 ? -sizes[bits & 7] : sizes[bits & 7];
}

/// A scale: a power of two in blocks of 32, else E4M3.
double scaleOf(uint32_t byte, int block) {
  if (block == 32)
    return byte == 255 ? NAN : ldexp(1.0, int(byte) - 127);
  int exponent = byte >> 3 & 15, fraction = byte & 7;
  if (exponent == 15 && fraction == 7)
    return NAN;
  return exponent ? ldexp(1 + fraction / 8.0, exponent - 7) : ldexp(fraction / 8.0, -6);
}

/// The fragments are those of `multiply`, with two numbers in a byte, the low bits first. Scales of row r of a are of
/// lane 4·(r % 8) + 2·thread + r / 8, of column c of b of lane 4·c + thread; `first` is the first of their bytes.
template <int block> void multiplyScaled(Warp &warp) {
  constexpr int kDepth = 64;
  double a[16][kDepth], b[8][kDepth];
  auto spread = [](uint32_t word, int at, double *row) {
    for (int e = 0; e < 8; ++e)
      row[8 * at + e] = numberOf(word >> 4 * e & 15);
  };
  for (int lane = 0; lane < kWarp; ++lane) {
    const uint64_t *in = warp.in[lane];
    int g = lane / 4, t = lane % 4;
    for (int w = 0; w < 4; ++w)
      spread(uint32_t(in[w]), t + 4 * (w / 2), a[g + 8 * (w % 2)]);
    for (int w = 0; w < 2; ++w)
      spread(uint32_t(in[4 + w]), t + 4 * w, b[g]);
  }
  auto scale = [&](double *row, int lane, int words) {
    const uint64_t *in = warp.in[lane] + words;
    for (int k = 0; k < kDepth; ++k)
      row[k] *= scaleOf(uint32_t(in[0]) >> 8 * (in[1] + k / block) & 255, block);
  };
  for (int r = 0; r < 16; ++r)
    scale(a[r], 4 * (r % 8) + 2 * int(warp.in[0][12]) + r / 8, 10);
  for (int c = 0; c < 8; ++c)
    scale(b[c], 4 * c + int(warp.in[0][15]), 13);
  for (int lane = 0; lane < kWarp; ++lane)
    for (int w = 0; w < 4; ++w) {
      int row = lane / 4 + 8 * (w / 2), column = 2 * (lane % 4) + w % 2;
      double sum = floatOf(uint32_t(warp.in[lane][6 + w]));
      for (int k = 0; k < kDepth; ++k)
        sum += a[row][k] * b[column][k];
      warp.out[lane][w] = bitsOf(float(sum));
    }
}

void shuffle(const char *what, const uint32_t *in, uint32_t *out, uint32_t mask, uint32_t from) {
  uint64_t words[2] = {*in, from};
  *out = uint32_t(*block().meet(what, mask, words, 2, [](Warp &warp, uint32_t lanes) {
    for (int lane = 0; lane < kWarp; ++lane)
      if (lanes >> lane & 1)
        warp.out[lane][0] = warp.in[warp.in[lane][1] % kWarp][0];
  }));
}

void perform(const std::vector<AsyncCopy> &copies) {
  for (const AsyncCopy &copy : copies) {
    memcpy(copy.to, copy.from, copy.fromGlobal);
    memset(copy.to + copy.fromGlobal, 0, copy.size - copy.fromGlobal);
  }
}

} // namespace

int32_t nc_emu_tid() { return block().self().thread; }

void nc_emu_barrier() { block().barrier(); }

void nc_emu_warp_sync(uint32_t mask) {
  block().meet("bar.warp.sync", mask, nullptr, 0, [](Warp &, uint32_t) {});
}

void nc_emu_shfl_bfly(const uint32_t *in, uint32_t *out, uint32_t mask, uint32_t lanes) {
  shuffle("shfl.sync.bfly", in, out, mask, block().lane() ^ lanes);
}

void nc_emu_shfl_idx(const uint32_t *in, uint32_t *out, uint32_t mask, uint32_t lane) {
  shuffle("shfl.sync.idx", in, out, mask, lane);
}

void nc_emu_cp_async(void *shared, const void *global, int32_t size, int32_t from_global) {
  if (reinterpret_cast<uintptr_t>(shared) % size || (from_global && reinterpret_cast<uintptr_t>(global) % size))
    fail("cp.async of %d bytes between %p and %p, which are not aligned to that", size, global, shared);
  AsyncCopy copy{static_cast<char *>(shared), static_cast<const char *>(global), size, from_global};
  if (nc_emulate_falling)
    perform({copy});
  else
    block().self().open.push_back(copy);
}

void nc_emu_cp_async_commit() {
  Fiber &self = block().self();
  self.committed.push_back(std::move(self.open));
  self.open.clear();
}

void nc_emu_cp_async_wait(int32_t groups) {
  auto &committed = block().self().committed;
  for (; int32_t(committed.size()) > groups; committed.pop_front())
    perform(committed.front());
}

void nc_emu_ldmatrix(const void *row, uint32_t *out, int32_t matrices, int32_t transposed) {
  if (reinterpret_cast<uintptr_t>(row) % 16 && block().lane() < 8 * matrices)
    fail("ldmatrix of a row at %p, which is not aligned to 16 bytes", row);
  uint64_t words[3] = {reinterpret_cast<uint64_t>(row), uint64_t(matrices), uint64_t(transposed)};
  const uint64_t *result = block().meet("ldmatrix", kAll, words, 3, [](Warp &warp, uint32_t) {
    for (int lane = 0; lane < kWarp; ++lane)
      for (uint64_t m = 0; m < warp.in[lane][1]; ++m) {
        auto element = [&](int r, int c) { return reinterpret_cast<const uint16_t *>(warp.in[8 * m + r][0])[c]; };
        int g = lane / 4, t = 2 * (lane % 4);
        bool flip = warp.in[lane][2];
        uint32_t low = flip ? element(t, g) : element(g, t);
        uint32_t high = flip ? element(t + 1, g) : element(g, t + 1);
        warp.out[lane][m] = low | high << 16;
      }
  });
  std::copy(result, result + matrices, out);
}

void nc_emu_mma(const uint32_t *in, uint32_t *out, int32_t dtype) {
  nc::withStorage(dtype, [&](auto element) {
    if constexpr (sizeof(element) <= 4)
      mma<Factors<decltype(element)>>("mma.sync", in, out);
    else
      fail("mma.sync of elements of %d bytes", int(sizeof(element)));
  });
}

void nc_emu_mma_block_scale(const uint32_t *in, uint32_t *out, int32_t blockSize) {
  if (in[11] > 3 || in[14] > 3 || (blockSize == 32 ? in[11] | in[14] : 0) % 2 ||
      (blockSize == 16 && (in[11] | in[14])) || in[12] > 1 || in[15] > 3)
    fail("mma.sync with block_scale and selectors {%u, %u}, {%u, %u}, which no scales have", in[11], in[12], in[14],
         in[15]);
  uint64_t words[kWords];
  std::copy(in, in + kWords, words);
  auto *multiply = blockSize == 32 ? multiplyScaled<32> : multiplyScaled<16>;
  const uint64_t *result =
      block().meet("mma.sync block_scale", kAll, words, kWords, [&](Warp &warp, uint32_t) { multiply(warp); });
  std::copy(result, result + 4, out);
}

float nc_emu_exp2(float x) { return exp2f(x); }

#define NC_SYMBOL(name) {#name, reinterpret_cast<void *>(&name)}
const nc::EmulatorSymbol nc::kEmulatorSymbols[] = {NC_SYMBOL(nc_emulate),           NC_SYMBOL(nc_emu_tid),
                                                   NC_SYMBOL(nc_emu_barrier),       NC_SYMBOL(nc_emu_warp_sync),
                                                   NC_SYMBOL(nc_emu_shfl_bfly),     NC_SYMBOL(nc_emu_shfl_idx),
                                                   NC_SYMBOL(nc_emu_cp_async),      NC_SYMBOL(nc_emu_cp_async_commit),
                                                   NC_SYMBOL(nc_emu_cp_async_wait), NC_SYMBOL(nc_emu_ldmatrix),
                                                   NC_SYMBOL(nc_emu_mma),           NC_SYMBOL(nc_emu_mma_block_scale),
                                                   NC_SYMBOL(nc_emu_exp2)};
#undef NC_SYMBOL
const int nc::kEmulatorSymbolCount = sizeof(kEmulatorSymbols) / sizeof(kEmulatorSymbols[0]);
