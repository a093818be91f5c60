// Causal attention on a CPU; see Attention.h.
#include "lib/Targets/kernels/Attention.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// Operands and buffers of the forward kernel.
struct Forward : AttentionKernel {
  Forward(func::FuncOp source, AttentionOp op, const CpuFacts &facts)
      : AttentionKernel(source, op, op.getSeq(), facts), op(op) {}
  AttentionOp op;

  void emit() {
    int64_t blocks = paddedSeq / block, pairs = batch * groups;
    // Enough tasks for a small batch too; the copies of keys are repeated in each.
    int64_t parts = std::min<int64_t>(blocks, llvm::divideCeil(16, pairs));
    enter(arith::DivUIOp::create(b, k.task, c(parts)));
    Value keyRows = keyScratch(), valueRows = keyScratch();
    queryRows = queryScratch(), queryColumns = transposedScratch(), scores = scratch(paddedSeq, block);
    sums = rowScratch(), tops = rowScratch();
    tiles.copyIn(keys(k.inputOf(op.getK())), keyRows);
    tiles.copyIn(keys(k.inputOf(op.getV())), valueRows);
    Value part = times(arith::RemUIOp::create(b, k.task, c(parts)), block);
    forLoop(b, c(0), c(shared), 1, {}, [&](Value r, ValueRange) -> Carried {
      forLoop(b, part, c(paddedSeq), block * parts, {}, [&](Value start, ValueRange) -> Carried {
        queryBlock(keyRows, valueRows, r, start);
        return {};
      });
      return {};
    });
    k.finish(pairs * parts);
  }

private:
  Value queryRows, queryColumns, scores, sums, tops;

  void queryBlock(Value keyRows, Value valueRows, Value r, Value start) {
    tiles.copyIn(queries(k.inputOf(op.getQ()), r, start), queryRows);
    tiles.transpose(queryRows, queryColumns, scale / kLn2);
    tiles.product(
        {{keyRows}, {queryColumns}, {scores}}, [&](Value j) { return seenBy(start, j); },
        [&](Value) { return channels(); });
    softmax(start);
    tiles.product(
        {{scores}, {valueRows}, {queryRows}, /*transposed=*/true}, [&](Value) { return c(block); },
        [&](Value i) { return std::make_pair(c(0), plus(start, plus(i, c(tiles.tileRows)))); });
    for (Value y : results[0])
      tiles.copyOut({queryRows}, queries(y, r, start), 1.0, sums);
    for (Value lse : results[1])
      forLoop(b, c(0), queries(lse, r, start).rows, 1, {}, [&](Value i, ValueRange) -> Carried {
        Value x = memref::LoadOp::create(b, tops, i);
        memref::StoreOp::create(b, x, lse, {plus(plus(first, start), i), head(r)});
        return {};
      });
  }

  /// Passes over the scores of all keys that some query of the block sees. `step` gets a vector of
  /// scores, which of them are of seen keys (null: all), where they lie, and what is carried along
  /// the v-th vector of queries.
  using Step = llvm::function_ref<Value(int64_t v, Value score, Value seen, ValueRange at, Value carried)>;
  SmallVector<Value> sweep(Value start, SmallVector<Value> carried, Step step) {
    carried = forLoop(b, c(0), start, 1, carried, [&](Value s, ValueRange before) {
      Carried next;
      for (int64_t v = 0; v < vectors; ++v) {
        SmallVector<Value> at{s, vectorAt(v)};
        next.push_back(step(v, tiles.load(scores, at), Value(), at, before[v]));
      }
      return next;
    });
    for (int64_t v = 0; v < vectors; ++v) {
      Value end = plus(start, c((v + 1) * tiles.lanes));
      carried[v] = forLoop(b, start, end, 1, carried[v], [&](Value s, ValueRange before) -> Carried {
        Value seen = tiles.fromLane(arith::SubIOp::create(b, s, start), v * tiles.lanes);
        SmallVector<Value> at{s, vectorAt(v)};
        return {step(v, tiles.load(scores, at), seen, at, before[0])};
      })[0];
    }
    return carried;
  }

  /// Scores become exp2(score − maximum); sums get the reciprocals of their sums, tops log Σ exp.
  void softmax(Value start) {
    double lowest = -std::numeric_limits<double>::infinity();
    auto where = [&](Value seen, Value x, double otherwise) {
      return seen ? Value(arith::SelectOp::create(b, seen, x, tiles.splat(otherwise))) : x;
    };
    SmallVector<Value> top = sweep(start, SmallVector<Value>(vectors, tiles.splat(lowest)),
                                   [&](int64_t, Value x, Value seen, ValueRange, Value most) -> Value {
                                     Value score = where(seen, x, lowest);
                                     Value more = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, score, most);
                                     return arith::SelectOp::create(b, more, score, most);
                                   });
    SmallVector<Value> sum = sweep(start, SmallVector<Value>(vectors, tiles.splat(0.0)),
                                   [&](int64_t v, Value x, Value seen, ValueRange at, Value before) -> Value {
                                     Value e = where(seen, tiles.exp2(arith::SubFOp::create(b, x, top[v])), 0.0);
                                     tiles.store(e, scores, at);
                                     return arith::AddFOp::create(b, before, e);
                                   });
    for (int64_t v = 0; v < vectors; ++v) {
      Value log = math::LogOp::create(b, sum[v]);
      tiles.store(math::FmaOp::create(b, top[v], tiles.splat(kLn2), log), tops, {vectorAt(v)});
      tiles.store(arith::DivFOp::create(b, tiles.splat(1.0), sum[v]), sums, {vectorAt(v)});
    }
  }
};
} // namespace

LogicalResult nanochat::emitAttention(func::FuncOp kernel, const Target &target) {
  Operation *op = onlyOp(kernel);
  auto fits = [](Type type) { return getElementTypeOrSelf(type).isF32() || getElementTypeOrSelf(type).isInteger(32); };
  if (!op || !llvm::all_of(op->getOperandTypes(), fits)) // integers are rows that are kept
    return decline(kernel, "attention is emitted alone, of f32");
  auto isExact = [](auto attention) { return !attention.getRounded(); };
  if (auto attention = dyn_cast<AttentionOp>(op); attention && isExact(attention))
    Forward(kernel, attention, target.facts).emit();
  else if (auto gradient = dyn_cast<AttentionGradOp>(op); gradient && isExact(gradient) && gradient.getY())
    emitAttentionGrad(kernel, gradient, target.facts);
  else if (auto gradient = dyn_cast<KeptAttentionGradOp>(op))
    emitAttentionGrad(kernel, gradient, target.facts);
  else
    return decline(kernel, "attention that rounds to bf16 is emitted for GPUs alone");
  return expandMath(kernel);
}
