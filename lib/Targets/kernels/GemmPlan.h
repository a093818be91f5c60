// The matrix product of a gemm kernel, and how a CPU cuts its loops.
#pragma once

#include "dialect/MatrixProduct.h"
#include "lib/Targets/Target.h"
#include <numeric>

namespace mlir::nanochat {

/// The product of a kernel, of f32 or of integers in 32 bits, if there is exactly one and no other sum.
FailureOr<MatrixProduct> matchKernel(func::FuncOp kernel);

/// Sizes, in elements unless they say groups: 32 bits of one row, `per` elements each.
struct GemmPlan {
  int64_t lanes;              // 32-bit lanes of a vector
  bool vnni;                  // dot products of integers add to their accumulator
  bool bytes;                 // u8 × s8 in groups of 4, else (integers) s16 × s16 in groups of 2
  int64_t steps;              // groups whose products of bytes are added in 16 bits; 0 where vnni adds in 32
  bool halves;                // bf16 × bf16 in groups of 2
  int64_t per;                // elements of a group
  int64_t perBlock;           // groups that share a scale; 0 where none do
  int64_t tileM, tileVectors; // register block: rows × vectors
  int64_t panel;              // columns of a packed panel
  int64_t blockM;             // rows of a task
  int64_t groupPanels;        // panels of a task
  int64_t kGroups, blockK;    // groups of the whole k loop and of one pass
  int64_t mBlocks, groups, wholePanels;
  int64_t tasks() const { return mBlocks * groups; }
  int64_t unit() const { return std::lcm(tileM, lanes); } // rows of a block are a multiple of it
};

/// Null where blocks do not fit vectors.
std::optional<GemmPlan> planGemm(const MatrixProduct &c, const CpuFacts &facts);

} // namespace mlir::nanochat
