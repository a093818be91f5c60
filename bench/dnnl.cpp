// Products of a linear layer by oneDNN: y = x·Wᵀ, dx = dy·W, dw = dyᵀ·x for N tokens. Weights are packed once for y and
// dx, other operands are as they lie. Prints "kind y dx dw" in milliseconds, the best of some; 0 for what it has not.
// Usage: PROGRAM N IN OUT; threads by OMP_NUM_THREADS.
//
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dnnl.hpp>

using namespace dnnl;
using Dims = memory::dims;
using Type = memory::data_type;
using Tag = memory::format_tag;

static engine cpu(engine::kind::cpu, 0);

static memory allocate(const memory::desc &desc) {
  memory result(desc, cpu);
  memset(result.get_data_handle(), 1, desc.get_size());
  return result;
}

/// Milliseconds of (M × K)·(K × N); a transposed factor lies the other way round in memory.
static double time(Dims sizes, Type a, Type b, Type c, Tag aTag, Tag bTag) {
  int64_t m = sizes[0], k = sizes[1], n = sizes[2];
  try {
    matmul::desc desc({{m, k}, a, aTag}, {{k, n}, b, bTag}, {{m, n}, c, Tag::ab});
    matmul::primitive_desc chosen(desc, cpu);
    memory x = allocate(chosen.src_desc()), y = allocate(chosen.weights_desc()), z = allocate(chosen.dst_desc());
    matmul product(chosen);
    stream queue(cpu);
    double best = 1e30;
    for (int round = 0; round < 9; ++round) {
      auto begin = std::chrono::steady_clock::now();
      product.execute(queue, {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, y}, {DNNL_ARG_DST, z}});
      queue.wait();
      best =
          std::min(best, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    }
    return best;
  } catch (const error &) {
    return 0;
  }
}

int main(int argc, char **argv) {
  if (argc < 4)
    return 2;
  int64_t n = atoll(argv[1]), in = atoll(argv[2]), out = atoll(argv[3]);
  for (auto [name, type] : {std::pair("f32", Type::f32), std::pair("bf16", Type::bf16)})
    printf("%s %.4g %.4g %.4g\n", name, time({n, in, out}, type, type, Type::f32, Tag::ab, Tag::any),
           time({n, out, in}, type, type, Type::f32, Tag::ab, Tag::any),
           time({out, n, in}, type, type, Type::f32, Tag::ba, Tag::ab));
  printf("u8s8 %.4g 0 0\n", time({n, in, out}, Type::u8, Type::s8, Type::s32, Tag::ab, Tag::any));
}
