// The gradient of causal attention on a CPU, of all tokens or of kept ones.
#pragma once

#include "lib/Targets/kernels/Attention.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace mlir::nanochat {

/// Operands and buffers of the gradient kernel, where queries and keys are of the same tokens.
template <typename OpTy> struct Backward : AttentionKernel {
  Backward(func::FuncOp source, OpTy op, int64_t seq, const CpuFacts &facts)
      : AttentionKernel(source, op, seq, facts), op(op) {}
  OpTy op;

  void emit() {
    enter(k.task);
    keyRows = keyScratch(), valueRows = keyScratch(), dk = keyScratch(), dv = keyScratch();
    q = queryScratch(), dy = queryScratch(), dq = queryScratch();
    qt = transposedScratch(), dyt = transposedScratch(), yt = transposedScratch();
    p = scratch(block, block), ds = scratch(block, block), lse = rowScratch(), delta = rowScratch();
    copyKeys();
    tiles.fillZero(dk);
    tiles.fillZero(dv);
    forLoop(b, c(0), c(shared), 1, {}, [&](Value r, ValueRange) -> Carried {
      forLoop(b, c(0), c(paddedSeq), block, {}, [&](Value start, ValueRange) -> Carried {
        queryBlock(r, start);
        return {};
      });
      return {};
    });
    for (Value out : results[1])
      tiles.copyOut({dk}, keys(out), scale);
    for (Value out : results[2])
      tiles.copyOut({dv}, keys(out), 1.0);
    k.finish(batch * groups);
  }

protected:
  Value keyRows, valueRows, dk, dv, q, dy, dq, qt, dyt, yt, p, ds, lse, delta;
  /// Of the s-th key of a block, the lanes of queries from `lane` on that see it.
  using Seen = llvm::function_ref<Value(Value s, int64_t lane)>;

  virtual void copyKeys() {
    tiles.copyIn(keys(k.inputOf(op.getK())), keyRows);
    tiles.copyIn(keys(k.inputOf(op.getV())), valueRows);
  }
  /// What other keys add to dq of the block of queries from `start` on.
  virtual void otherKeys(Value) {}

  /// p and ds·√D of a block of scores and dp, of the keys up to `end`; both 0 where the key is not seen.
  void scoreGradients(Value end, Seen isSeen) {
    forLoop(b, c(0), end, 1, {}, [&](Value s, ValueRange) -> Carried {
      Value zero = tiles.splat(0.0);
      for (int64_t v = 0; v < vectors; ++v) {
        SmallVector<Value> at{s, vectorAt(v)};
        Value seen = isSeen(s, v * tiles.lanes);
        Value e = tiles.exp2(arith::SubFOp::create(b, tiles.load(p, at), tiles.load(lse, at[1])));
        Value slope = arith::SubFOp::create(b, tiles.load(ds, at), tiles.load(delta, at[1]));
        tiles.store(arith::SelectOp::create(b, seen, e, zero), p, at);
        // Scores of unseen keys may be stale memory, so the product is selected too.
        tiles.store(arith::SelectOp::create(b, seen, arith::MulFOp::create(b, e, slope), zero), ds, at);
      }
      return {};
    });
  }

private:
  void queryBlock(Value r, Value start) {
    // dq holds y until its transpose is taken.
    tiles.copyIn(queries(k.inputOf(op.getY()), r, start), dq);
    tiles.transpose(dq, yt, 1.0);
    tiles.copyIn(queries(k.inputOf(op.getDy()), r, start), dy);
    tiles.transpose(dy, dyt, 1.0);
    tiles.copyIn(queries(k.inputOf(op.getQ()), r, start), q);
    tiles.transpose(q, qt, scale / kLn2);
    tiles.fillZero(dq);
    rowConstants(r, start);
    forLoop(b, c(0), plus(start, c(1)), block, {}, [&](Value key, ValueRange) -> Carried {
      keyBlock(start, key);
      return {};
    });
    if (!results[0].empty())
      otherKeys(start);
    for (Value out : results[0])
      tiles.copyOut({dq}, queries(out, r, start), scale);
  }

  /// lse in units of log 2, and δ; both 0 for queries past the sequence, which then add nothing.
  void rowConstants(Value r, Value start) {
    Window rows = queries(k.inputOf(op.getLse()), r, start);
    for (int64_t v = 0; v < vectors; ++v) {
      tiles.store(tiles.splat(0.0), lse, {vectorAt(v)});
      Value sum = forLoop(b, c(0), c(width), 1, tiles.splat(0.0), [&](Value d, ValueRange before) -> Carried {
        return {math::FmaOp::create(b, tiles.load(yt, {d, vectorAt(v)}), tiles.load(dyt, {d, vectorAt(v)}), before[0])};
      })[0];
      tiles.store(sum, delta, {vectorAt(v)});
    }
    Value toLog2 = arith::ConstantOp::create(b, b.getF32FloatAttr(1.0 / kLn2));
    forLoop(b, c(0), rows.rows, 1, {}, [&](Value i, ValueRange) -> Carried {
      Value x = memref::LoadOp::create(b, rows.buffer, ValueRange{plus(rows.row, i), head(r)});
      memref::StoreOp::create(b, arith::MulFOp::create(b, x, toLog2), lse, i);
      return {};
    });
  }

  void keyBlock(Value start, Value key) {
    Value ahead = arith::SubIOp::create(b, start, key); // queries past the diagonal block: keys all seen
    auto seen = [&](Value j) { return least(c(block), seenBy(ahead, j)); };
    auto overChannels = [&](Value) { return channels(); };
    tiles.product({{keyRows, key}, {qt}, {p}}, seen, overChannels);
    tiles.product({{valueRows, key}, {dyt}, {ds}}, seen, overChannels);
    scoreGradients(c(block),
                   [&](Value s, int64_t lane) { return tiles.fromLane(arith::SubIOp::create(b, s, ahead), lane); });
    auto all = [&](Value) { return c(block); };
    // Queries that see a tile of keys, and keys that a tile of queries sees.
    auto seers = [&](Value i) {
      Value from = arith::MaxSIOp::create(b, c(0), arith::SubIOp::create(b, i, ahead));
      return std::make_pair(from, c(block));
    };
    auto seenKeys = [&](Value i) {
      return std::make_pair(c(0), least(c(block), plus(ahead, plus(i, c(tiles.tileRows)))));
    };
    if (!results[2].empty())
      tiles.product({{p}, {dy}, {dv, key}, false, true}, all, seers);
    if (!results[1].empty())
      tiles.product({{ds}, {q}, {dk, key}, false, true}, all, seers);
    if (!results[0].empty())
      tiles.product({{ds}, {keyRows, key}, {dq}, true, true}, all, seenKeys);
  }
};

} // namespace mlir::nanochat
