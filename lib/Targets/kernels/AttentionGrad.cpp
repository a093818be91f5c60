// The gradient of causal attention on a CPU; see Attention.h.
#include "lib/Targets/kernels/Attention.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
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
    scoreGradients(c(block), [&](Value s, int64_t lane) {
      return tiles.fromLane(arith::SubIOp::create(b, s, ahead), lane);
    });
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

/// Queries of kept tokens. Among keys of kept tokens it is the gradient of a shorter sequence; keys of the others, which are
/// dropped, add to dq alone. Query i, at position t of its sequence, sees the first t − i of them.
struct KeptBackward : Backward<KeptAttentionGradOp> {
  KeptBackward(func::FuncOp source, KeptAttentionGradOp op, int64_t kept, const CpuFacts &facts)
      : Backward(source, op, kept, facts), tokens(op.getSeq()), dropped(tokens - kept) {
    rows = k.inputOf(op.getRows());
  }

private:
  int64_t tokens, dropped; // of a sequence
  Value rows, keptPlaces, droppedPlaces, droppedKeys, droppedValues, limits;

  Value number(Value buffer, Value at) {
    return arith::IndexCastOp::create(b, b.getIndexType(), memref::LoadOp::create(b, buffer, at));
  }
  void setNumber(Value value, Value buffer, Value at) {
    memref::StoreOp::create(b, arith::IndexCastOp::create(b, b.getI32Type(), value), buffer, at);
  }

  void copyKeys() override {
    int64_t padded = llvm::alignTo(std::max<int64_t>(dropped, 1), block);
    droppedKeys = scratch(padded, paddedWidth), droppedValues = scratch(padded, paddedWidth);
    droppedPlaces = k.scratch({dropped + 1}, b.getI32Type()), limits = k.scratch({block}, b.getI32Type());
    Value base = times(sequence, tokens);
    // A token that is kept leaves its number to be written over by the next dropped one.
    forLoop(b, c(0), c(tokens), 1, c(0), [&](Value token, ValueRange found) -> Carried {
      Value row = plus(base, token), next = number(rows, plus(first, least(found[0], c(seq - 1))));
      setNumber(row, droppedPlaces, arith::SubIOp::create(b, token, found[0]));
      Value isKept = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, row, next);
      return {plus(found[0], arith::IndexCastUIOp::create(b, b.getIndexType(), isKept))};
    });
    auto copy = [&](Value from, Value kept, Value others) {
      Window window = keys(k.inputOf(from));
      window.row = c(0);
      tiles.copyIn(window, kept, [&](Value i) { return number(rows, plus(first, i)); });
      window.rows = c(dropped);
      tiles.copyIn(window, others, [&](Value i) { return number(droppedPlaces, i); });
    };
    copy(op.getK(), keyRows, droppedKeys);
    copy(op.getV(), valueRows, droppedValues);
  }

  void otherKeys(Value start) override {
    // Queries past the sequence see what its last does, and add nothing.
    Value base = times(sequence, tokens);
    forLoop(b, c(0), c(block), 1, {}, [&](Value i, ValueRange) -> Carried {
      Value query = least(plus(start, i), c(seq - 1));
      Value position = arith::SubIOp::create(b, number(rows, plus(first, query)), base);
      setNumber(arith::SubIOp::create(b, position, query), limits, i);
      return {};
    });
    forLoop(b, c(0), number(limits, c(block - 1)), block, {}, [&](Value key, ValueRange) -> Carried {
      droppedBlock(key);
      return {};
    });
  }

  void droppedBlock(Value key) {
    // How many keys of the block the queries before `end` see.
    auto seenBefore = [&](Value end) {
      Value last = least(arith::SubIOp::create(b, end, c(1)), c(block - 1));
      Value count = arith::SubIOp::create(b, number(limits, last), key);
      return least(arith::MaxSIOp::create(b, count, c(0)), c(block));
    };
    auto wholeTiles = [&](Value j) {
      Value count = seenBefore(plus(j, c(tiles.tileColumns(block)))), rest = c(tiles.tileRows - 1);
      Value tileCount = arith::DivUIOp::create(b, plus(count, rest), c(tiles.tileRows));
      return least(c(block), times(tileCount, tiles.tileRows));
    };
    auto overChannels = [&](Value) { return channels(); };
    tiles.product({{droppedKeys, key}, {qt}, {p}}, wholeTiles, overChannels);
    tiles.product({{droppedValues, key}, {dyt}, {ds}}, wholeTiles, overChannels);
    auto ints = VectorType::get({tiles.lanes}, b.getI32Type());
    scoreGradients(seenBefore(c(block)), [&](Value s, int64_t lane) -> Value {
      Value limit = vector::LoadOp::create(b, ints, limits, ValueRange{c(lane)});
      Value at = arith::IndexCastOp::create(b, b.getI32Type(), plus(key, s));
      return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, vector::BroadcastOp::create(b, ints, at), limit);
    });
    tiles.product(
        {{ds}, {droppedKeys, key}, {dq}, true, true}, [&](Value) { return c(block); },
        [&](Value i) { return std::make_pair(c(0), seenBefore(plus(i, c(tiles.tileRows)))); });
  }
};
} // namespace

void nanochat::emitAttentionGrad(func::FuncOp kernel, AttentionGradOp op, const CpuFacts &facts) {
  Backward<AttentionGradOp>(kernel, op, op.getSeq(), facts).emit();
}

void nanochat::emitAttentionGrad(func::FuncOp kernel, KeptAttentionGradOp op, const CpuFacts &facts) {
  int64_t sequences = op.getK().getType().getDimSize(0) / int64_t(op.getSeq());
  KeptBackward(kernel, op, op.getQ().getType().getDimSize(0) / sequences, facts).emit();
}
