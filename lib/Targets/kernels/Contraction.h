// The one matrix product of a gemm kernel, and how its loops are cut.
#ifndef NANOCHAT_LIB_TARGETS_KERNELS_CONTRACTION_H
#define NANOCHAT_LIB_TARGETS_KERNELS_CONTRACTION_H

#include "lib/Targets/Target.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <numeric>

namespace mlir::nanochat {

/// A factor of the product: a tensor indexed by loops; x is the loop it does not share.
struct Factor {
  Value tensor;
  AffineMap map;
  unsigned x;
  bool alongK;  // elements of consecutive k are contiguous, rather than of consecutive x
  bool isCoded; // unsigned bytes in panels (pack_panels), each of which stands for itself minus one
};

/// c[m, n] = init[m, n] + Σ_k a·b, of floats or of 8- and 16-bit integers in 32; c[s, m, n] where there are slices.
struct Contraction {
  linalg::GenericOp op;
  Factor a, b;
  unsigned m, n, k; // loops
  std::optional<unsigned> s; // the loop over slices
  int64_t M, N, K, S = 1;
  bool isFloat;
  bool isWide; // an integer factor has 16 bits
  bool isHalf; // both factors are bf16
  bool isE4M3; // a factor is f8E4M3FN
  Value result() { return op->getResult(0); }
  Value init() { return op.getDpsInits()[0]; }
};

/// The contraction of a kernel, if there is exactly one.
FailureOr<Contraction> matchContraction(func::FuncOp kernel);

/// Sizes, in elements unless they say groups: 32 bits of one row, `per` elements each.
struct GemmPlan {
  int64_t lanes;              // 32-bit lanes of a vector
  bool vnni;                  // dot products of integers add to their accumulator
  bool bytes;                 // u8 × s8 in groups of 4, else (integers) s16 × s16 in groups of 2
  bool halves;                // bf16 × bf16 in groups of 2
  int64_t per;                // elements of a group
  int64_t tileM, tileVectors; // register block: rows × vectors
  int64_t panel;              // columns of a packed panel
  int64_t blockM;             // rows of a task
  int64_t groupPanels;        // panels of a task
  int64_t kGroups, blockK;    // groups of the whole k loop and of one pass
  int64_t mBlocks, groups, wholePanels;
  int64_t tasks() const { return mBlocks * groups; }
  int64_t unit() const { return std::lcm(tileM, lanes); } // rows of a block are a multiple of it
};

GemmPlan planGemm(const Contraction &c, const CpuFacts &facts);

} // namespace mlir::nanochat
#endif
