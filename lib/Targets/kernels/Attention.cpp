// Causal attention on a CPU. A task is one sequence and key head; it passes blocks of queries over
// blocks of keys at or before them. Scores are kept transposed, (key, query), so that the softmax
// runs along lanes of queries and no sum crosses lanes. They are in units of log 2, for exp2.
//
// Which task computes what, and in which order, depends on shapes alone: results are the same bits
// for any number of threads.
#include "dialect/Nanochat.h"
#include "lib/Targets/kernels/Tiles.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

static constexpr double kLn2 = 0.69314718055994531;

namespace {
/// What the two kernels share: shapes, operands by name, the walk over query blocks.
struct AttentionKernel {
  template <typename OpTy>
  AttentionKernel(func::FuncOp source, OpTy op, const CpuFacts &facts)
      : k(source), b(k.b), tiles(b, facts), seq(op.getSeq()), groups(op.getKvHeads()),
        shared(op.getHeads() / op.getKvHeads()) {
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
    first = times(arith::DivUIOp::create(b, index, c(groups)), seq);
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

  Value first, group;
};

/// Operands and buffers of the forward kernel.
struct Forward : AttentionKernel {
  Forward(func::FuncOp source, AttentionOp op, const CpuFacts &facts) : AttentionKernel(source, op, facts), op(op) {}
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

/// Operands and buffers of the gradient kernel.
struct Backward : AttentionKernel {
  Backward(func::FuncOp source, AttentionGradOp op, const CpuFacts &facts)
      : AttentionKernel(source, op, facts), op(op) {}
  AttentionGradOp op;

  void emit() {
    enter(k.task);
    keyRows = keyScratch(), valueRows = keyScratch(), dk = keyScratch(), dv = keyScratch();
    q = queryScratch(), dy = queryScratch(), dq = queryScratch();
    qt = transposedScratch(), dyt = transposedScratch(), yt = transposedScratch();
    p = scratch(block, block), ds = scratch(block, block), lse = rowScratch(), delta = rowScratch();
    tiles.copyIn(keys(k.inputOf(op.getK())), keyRows);
    tiles.copyIn(keys(k.inputOf(op.getV())), valueRows);
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

private:
  Value keyRows, valueRows, dk, dv, q, dy, dq, qt, dyt, yt, p, ds, lse, delta;

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
    scoreGradients(ahead);
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

  /// From scores and dp to p and ds·√D, both 0 where the key is after the query.
  void scoreGradients(Value ahead) {
    forLoop(b, c(0), c(block), 1, {}, [&](Value s, ValueRange) -> Carried {
      Value behind = arith::SubIOp::create(b, s, ahead), zero = tiles.splat(0.0);
      for (int64_t v = 0; v < vectors; ++v) {
        SmallVector<Value> at{s, vectorAt(v)};
        Value seen = tiles.fromLane(behind, v * tiles.lanes);
        Value e = tiles.exp2(arith::SubFOp::create(b, tiles.load(p, at), tiles.load(lse, at[1])));
        Value slope = arith::SubFOp::create(b, tiles.load(ds, at), tiles.load(delta, at[1]));
        tiles.store(arith::SelectOp::create(b, seen, e, zero), p, at);
        // Scores of unseen keys may be stale memory, so the product is selected too.
        tiles.store(arith::SelectOp::create(b, seen, arith::MulFOp::create(b, e, slope), zero), ds, at);
      }
      return {};
    });
  }
};
} // namespace

LogicalResult nanochat::emitAttention(func::FuncOp kernel, const Target &target) {
  Operation *op = onlyOp(kernel);
  auto isF32 = [](Type type) { return getElementTypeOrSelf(type).isF32(); };
  if (!op || !llvm::all_of(op->getOperandTypes(), isF32))
    return decline(kernel, "attention is emitted alone, of f32");
  auto isExact = [](auto attention) { return !attention.getRounded(); };
  if (auto attention = dyn_cast<AttentionOp>(op); attention && isExact(attention))
    Forward(kernel, attention, target.facts).emit();
  else if (auto gradient = dyn_cast<AttentionGradOp>(op); gradient && isExact(gradient) && gradient.getY())
    Backward(kernel, gradient, target.facts).emit();
  else
    return decline(kernel, "attention that rounds to bf16 is emitted for GPUs alone");
  return expandMath(kernel);
}
