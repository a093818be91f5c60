// What kernels of attention on a CPU share. A task is one sequence and key head; it passes blocks of queries over
// blocks of keys at or before them. Scores are kept transposed, (key, query), so that the softmax
// runs along lanes of queries and no sum crosses lanes. They are in units of log 2, for exp2.
//
// Which task computes what, and in which order, depends on shapes alone: results are the same bits
// for any number of threads.
#pragma once

#include "dialect/Nanochat.h"
#include "lib/Targets/kernels/Tiles.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::nanochat {

constexpr double kLn2 = 0.69314718055994531;

/// Shapes, operands by name, the walk over query blocks; `seq` queries are of one sequence.
struct AttentionKernel {
  template <typename OpTy>
  AttentionKernel(func::FuncOp source, OpTy op, int64_t seq, const CpuFacts &facts)
      : k(source), b(k.b), tiles(b, facts), seq(seq), groups(op.getKvHeads()), shared(op.getHeads() / op.getKvHeads()) {
    RankedTensorType q = op.getQ().getType();
    batch = q.getDimSize(0) / seq;
    width = q.getDimSize(1) / op.getHeads();
    int64_t half = 2 * tiles.lanes, longest = facts.l2Bytes / 2 / (4 * half * 2);
    block = seq > half && seq <= longest ? 2 * half : half;
    paddedSeq = llvm::alignTo(seq, block);
    paddedWidth = tiles.padded(width);
    vectors = block / tiles.lanes;
    scale = 1.0 / std::sqrt(static_cast<double>(width));
    for (auto [value, buffer] : llvm::zip(source.front().getTerminator()->getOperands(), k.outputs))
      results[cast<OpResult>(value).getResultNumber()].push_back(buffer);
  }

  Kernel k;
  ImplicitLocOpBuilder &b;
  Tiles tiles;
  int64_t seq, groups, shared, batch, width, block, paddedSeq, paddedWidth, vectors;
  double scale;
  SmallVector<Value> results[3]; // of the kernel, by result of the op

  Value c(int64_t value) { return constantIndex(b, value); }
  Value plus(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value times(Value x, int64_t y) { return arith::MulIOp::create(b, x, c(y)); }
  Value least(Value x, Value y) { return arith::MinSIOp::create(b, x, y); }
  Value scratch(int64_t rows, int64_t columns) { return k.scratch({rows, columns}, b.getF32Type()); }
  Value rowScratch() { return k.scratch({block}, b.getF32Type()); }
  Value queryScratch() { return scratch(block, paddedWidth); }
  Value transposedScratch() { return scratch(llvm::alignTo(width, tiles.lanes), block); }
  Value keyScratch() { return scratch(paddedSeq, paddedWidth); }

  /// Sequence and key head of group `index`.
  void enter(Value index) {
    sequence = arith::DivUIOp::create(b, index, c(groups));
    first = times(sequence, seq);
    group = arith::RemUIOp::create(b, index, c(groups));
  }
  /// All rows of the sequence of a key-headed buffer.
  Window keys(Value buffer) { return {buffer, first, times(group, width), c(seq), width}; }
  /// The queries from `start` on of the r-th head that shares the key head.
  Window queries(Value buffer, Value r, Value start) {
    return {buffer, plus(first, start), times(head(r), width), least(c(block), arith::SubIOp::create(b, c(seq), start)),
            width};
  }
  Value head(Value r) { return plus(times(group, shared), r); }
  Value vectorAt(int64_t v) { return c(v * tiles.lanes); }
  /// All of the key block at or before some query of the column tile at j, in whole row tiles.
  Value seenBy(Value start, Value j) { return plus(plus(start, j), c(tiles.tileColumns(block))); }
  std::pair<Value, Value> channels() { return {c(0), c(width)}; }

  Value sequence, first, group;
};

/// The kernel of `attention_grad` or `kept_attention_grad`.
void emitAttentionGrad(func::FuncOp kernel, AttentionGradOp op, const CpuFacts &facts);
void emitAttentionGrad(func::FuncOp kernel, KeptAttentionGradOp op, const CpuFacts &facts);

} // namespace mlir::nanochat
