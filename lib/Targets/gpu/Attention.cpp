// Causal attention on tensor cores: scores of a block never leave registers (Dao, arXiv 2307.08691). Products are of
// bf16, sums and softmax in f32; scores are in units of log 2. While a block meets some rows, the next come to the
// other of two slots. What a block computes, and in which order, depends on shapes alone: gradients of queries are
// blocks of their own rather than sums that race in memory.
#include "lib/Targets/gpu/AttentionBlock.h"
#include "lib/Targets/gpu/Emitters.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::nanochat;

static constexpr double kLn2 = 0.69314718055994531;

namespace {
/// The sequence and head that a block works on, and windows of buffers there.
struct Place : AttentionBlock {
  template <typename OpTy>
  Place(func::FuncOp source, OpTy op) : AttentionBlock(source, op), blocks(llvm::divideCeil(seq, kRows)) {}

  /// Sets both from the block's number, there being `count` heads per sequence.
  void enter(Value number, int64_t count) {
    first = g.mul(g.div(number, count), seq);
    head = g.rem(number, count);
  }
  Value left(Value start, Value end = Value()) { return arith::SubIOp::create(b, end ? end : g.i32(seq), start); }
  /// The head's channels in rows `start` to `end` (by default the last) of the sequence.
  Window rows(Value buffer, Value start, Value head, Value end = Value()) {
    return {buffer, g.add(first, start), left(start, end), g.mul(head, width)};
  }
  /// Column `head`, in rows from `start` on, of a matrix with one column per head.
  Window rowNumbers(Value buffer, Value start, Value head) { return {buffer, g.add(first, start), left(start), head}; }
  /// The causal mask, which only blocks on the diagonal need. Keys beyond the sequence are masked with it: they come
  /// after every query whose result is stored.
  Value isSeen(Value query, Value key) { return arith::CmpIOp::create(b, arith::CmpIPredicate::sle, key, query); }
  /// Which of the two ranges of `meet` is masked: the kRows rows on the diagonal.
  enum class Diagonal { first, last };
  /// Starts the copies of rows to a slot of shared memory; computes with them, from state to state.
  using Load = llvm::function_ref<void(Value at, Value slot)>;
  using Body = llvm::function_ref<Carried(Value at, Value slot, bool isDiagonal, ValueRange)>;
  /// Carries state through `body` for rows `start` to `middle` and then `middle` to `end`, `count` at a time; the next
  /// ones are copied meanwhile, to the other of two slots.
  Carried meet(Value start, Value middle, Value end, int64_t count, Diagonal diagonal, Carried state, Load load,
               Body body) {
    auto parity = [&](Value at) { return g.rem(g.div(arith::SubIOp::create(b, at, start), count), 2); };
    auto fetchAhead = [&](Value next) {
      auto more = scf::IfOp::create(b, g.less(next, end), /*withElseRegion=*/false);
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(more.thenBlock());
        load(next, parity(next));
      }
      endStage();
    };
    auto step = [&](Value at, Value slot, bool isDiagonal, bool isLast, ValueRange before) {
      arrive();
      if (!isLast)
        fetchAhead(g.add(at, count));
      return body(at, slot, isDiagonal, before);
    };
    load(start, g.i32(0));
    endStage();
    for (bool isFirst : {true, false}) {
      bool isDiagonal = isFirst == (diagonal == Diagonal::first);
      Value from = isFirst ? start : middle, to = isFirst ? middle : end;
      if (isDiagonal && count == kRows)
        state = step(from, isFirst ? g.i32(0) : parity(from), isDiagonal, !isFirst, state);
      else
        state = forLoop(b, g.index(from), g.index(to), count, state, [&](Value iv, ValueRange before) -> Carried {
          return step(g.narrow(iv), parity(g.narrow(iv)), isDiagonal, /*isLast=*/false, before);
        });
    }
    return state;
  }
  Value fma(Value x, double factor, Value y) { return math::FmaOp::create(b, x, f32(factor), y); }

  int64_t blocks;
  Value first, head;
};

struct Forward : Place {
  Forward(func::FuncOp source, AttentionOp op) : Place(source, op), op(op) {}
  AttentionOp op;

  void emit() {
    // Late queries see most keys: they go first.
    Value number = g.narrow(k.task), block = arith::SubIOp::create(b, g.i32(blocks - 1), g.div(number, batch * heads));
    enter(g.rem(number, batch * heads), heads);
    start = g.mul(block, kRows);
    Value group = g.div(head, shared);
    queries = tile(kRows), keys = tile(kRows, 2), values = tile(kRows, 2);
    load(queries, rows(k.inputOf(op.getQ()), start, head));
    Carried state = zeros(padded);
    double lowest = -std::numeric_limits<double>::infinity();
    state.append({f32(lowest), f32(lowest), f32(0), f32(0)});
    Value end = arith::MinSIOp::create(b, g.add(start, kRows), g.i32(seq));
    auto fetch = [&](Value at, Value slot) {
      load(slotOf(keys, slot), rows(k.inputOf(op.getK()), at, group, end));
      load(slotOf(values, slot), rows(k.inputOf(op.getV()), at, group, end));
    };
    state = meet(g.i32(0), start, end, kRows, Diagonal::last, state, fetch,
                 [&](Value at, Value slot, bool isDiagonal, ValueRange before) {
                   return keyBlock(at, slot, isDiagonal, before);
                 });
    finish(state);
    k.finish(blocks * batch * heads);
  }

private:
  Tile queries, keys, values;
  Value start;

  /// One more block of keys: sums, greatest scores and their sums of exponentials (of two rows each).
  Carried keyBlock(Value at, Value slot, bool isDiagonal, ValueRange before) {
    size_t sums = before.size() - 4;
    Fragments scores = timesRows(queries, slotOf(keys, slot));
    Value lowest = f32(-std::numeric_limits<double>::infinity()), most[2] = {lowest, lowest}, top[2], shrink[2],
          total[2];
    auto larger = [&](Value x, Value y) -> Value { return arith::MaxNumFOp::create(b, x, y); };
    each(kRows, [&](Value r, Value c, int64_t i) {
      if (isDiagonal)
        scores[i] = arith::SelectOp::create(b, isSeen(g.add(start, r), g.add(at, c)), scores[i], lowest);
      most[i % 4 / 2] = larger(most[i % 4 / 2], scores[i]);
    });
    for (int h = 0; h < 2; ++h) {
      // A power of two: how exp2 rounds to bf16 does not depend on which.
      Value greatest = mulF(acrossRow(most[h], larger), f32(scale / kLn2));
      top[h] = larger(before[sums + h], math::CeilOp::create(b, greatest));
      shrink[h] = exp2(arith::SubFOp::create(b, before[sums + h], top[h]));
      total[h] = mulF(before[sums + 2 + h], shrink[h]);
    }
    Fragments y(before.take_front(sums));
    for (auto [i, value] : llvm::enumerate(y))
      value = mulF(value, shrink[i % 4 / 2]);
    Value below[2] = {arith::NegFOp::create(b, top[0]), arith::NegFOp::create(b, top[1])};
    for (auto [i, score] : llvm::enumerate(scores)) {
      score = exp2(fma(score, scale / kLn2, below[i % 4 / 2]));
      total[i % 4 / 2] = arith::AddFOp::create(b, total[i % 4 / 2], score);
    }
    Carried next = addProduct(scores, slotOf(values, slot), y);
    next.append({top[0], top[1], total[0], total[1]});
    return next;
  }

  void finish(ArrayRef<Value> state) {
    size_t sums = state.size() - 4;
    Value factors[2], lse[2];
    for (int h = 0; h < 2; ++h) {
      Value total =
          acrossRow(state[sums + 2 + h], [&](Value x, Value y) -> Value { return arith::AddFOp::create(b, x, y); });
      factors[h] = arith::DivFOp::create(b, f32(1), total);
      lse[h] = arith::AddFOp::create(b, mulF(state[sums + h], f32(kLn2)), math::LogOp::create(b, total));
    }
    for (Value y : results[0])
      write(ArrayRef(state).take_front(sums), rows(y, start, head), factors);
    for (Value buffer : results[1])
      for (int h = 0; h < 2; ++h) {
        Value r = g.add(g.add(warpRow, row), 8 * h);
        Value isOwn = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, column, g.i32(0));
        auto branch =
            scf::IfOp::create(b, arith::AndIOp::create(b, isOwn, g.less(r, left(start))), /*withElseRegion=*/false);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(branch.thenBlock());
        memref::StoreOp::create(b, lse[h], buffer, ValueRange{g.index(g.add(g.add(first, start), r)), g.index(head)});
      }
  }
};

struct Backward : Place {
  Backward(func::FuncOp source, AttentionGradOp op) : Place(source, op), op(op) {
    // Wide heads leave registers for fewer queries at once.
    others = padded > 64 ? 32 : kRows;
  }
  AttentionGradOp op;

  void emit() {
    own = tile(kRows), ownToo = tile(kRows), other = tile(others, 2), otherToo = tile(others, 2);
    lse = columnOf(kRows), delta = columnOf(kRows);
    int64_t ofQueries = results[0].empty() ? 0 : blocks * batch * heads,
            ofKeys = results[1].empty() && results[2].empty() ? 0 : blocks * batch * groups;
    Value number = g.narrow(k.task);
    auto branch = scf::IfOp::create(b, g.less(number, g.i32(ofKeys)), /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      if (ofKeys)
        keyBlock(number);
      b.setInsertionPointToStart(branch.elseBlock());
      if (ofQueries)
        queryBlock(arith::SubIOp::create(b, number, g.i32(ofKeys)));
    }
    k.finish(ofKeys + ofQueries);
  }

private:
  int64_t others;
  Tile own, ownToo, other, otherToo; // rows of the block and what they meet: queries with dy, keys with values
  Column lse, delta;                 // of queries

  /// lse and δ of `count` queries.
  void loadNumbers(Value start, Value head, int64_t count, Value slot) {
    lse.slot = delta.slot = slot;
    loadColumn(lse, count, rowNumbers(k.inputOf(op.getLse()), start, head));
    if (op.getDelta())
      loadColumn(delta, count, rowNumbers(k.inputOf(op.getDelta()), start, head));
    else
      dotRows(delta, count, rows(k.inputOf(op.getY()), start, head), rows(k.inputOf(op.getDy()), start, head));
  }

  /// From scores and dp to p and ds·√D, both 0 where the key is not seen, which is asked on the diagonal. Queries past
  /// the sequence are rows of zeros, and change nothing.
  void toGradients(Fragments &scores, Fragments &slopes, int64_t columns, bool isDiagonal,
                   llvm::function_ref<std::pair<Value, Value>(Value, Value)> queryOf,
                   llvm::function_ref<Value(Value, Value)> seen) {
    each(columns, [&](Value r, Value c, int64_t i) {
      auto [ofLse, ofDelta] = queryOf(r, c);
      scores[i] = exp2(fma(scores[i], scale / kLn2, mulF(ofLse, f32(-1 / kLn2))));
      if (isDiagonal)
        scores[i] = arith::SelectOp::create(b, seen(r, c), scores[i], f32(0));
      slopes[i] = mulF(scores[i], arith::SubFOp::create(b, slopes[i], ofDelta));
    });
  }

  /// dk and dv of a block of keys: all queries at or after it, of all heads that share the key head.
  void keyBlock(Value number) {
    enter(g.rem(number, batch * groups), groups);
    Value start = g.mul(g.div(number, batch * groups), kRows), group = head;
    load(own, rows(k.inputOf(op.getK()), start, group));
    load(ownToo, rows(k.inputOf(op.getV()), start, group));
    Carried sums = zeros(2 * padded);
    size_t half = sums.size() / 2;
    sums =
        forLoop(b, constantIndex(b, 0), constantIndex(b, shared), 1, sums, [&](Value r, ValueRange outer) -> Carried {
          Value query = g.add(g.mul(group, shared), g.narrow(r));
          if (shared > 1) // another head's last rows are still being read
            g.barrier();
          auto fetch = [&](Value at, Value slot) {
            load(slotOf(other, slot), rows(k.inputOf(op.getQ()), at, query));
            load(slotOf(otherToo, slot), rows(k.inputOf(op.getDy()), at, query));
            loadNumbers(at, query, others, slot);
          };
          Value middle = arith::MinSIOp::create(b, g.add(start, kRows), g.i32(seq));
          return meet(start, middle, g.i32(seq), others, Diagonal::first, Carried(outer), fetch,
                      [&](Value at, Value slot, bool isDiagonal, ValueRange before) -> Carried {
                        Tile queries = slotOf(other, slot), slopesOf = slotOf(otherToo, slot);
                        lse.slot = delta.slot = slot;
                        Fragments scores = timesRows(own, queries), slopes = timesRows(ownToo, slopesOf);
                        toGradients(
                            scores, slopes, others, isDiagonal,
                            [&](Value, Value c) { return std::make_pair(read(lse, c), read(delta, c)); },
                            [&](Value key, Value c) { return isSeen(g.add(at, c), g.add(start, key)); });
                        Carried next = addProduct(slopes, queries, before.take_front(half));
                        llvm::append_range(next, addProduct(scores, slopesOf, before.drop_front(half)));
                        return next;
                      });
        });
    for (Value dk : results[1])
      write(ArrayRef(sums).take_front(half), rows(dk, start, group), {f32(scale), f32(scale)});
    for (Value dv : results[2])
      write(ArrayRef(sums).drop_front(half), rows(dv, start, group), {f32(1), f32(1)});
  }

  /// dq of a block of queries: all keys at or before it.
  void queryBlock(Value number) {
    Value block = arith::SubIOp::create(b, g.i32(blocks - 1), g.div(number, batch * heads));
    enter(g.rem(number, batch * heads), heads);
    Value start = g.mul(block, kRows), group = g.div(head, shared);
    load(own, rows(k.inputOf(op.getQ()), start, head));
    load(ownToo, rows(k.inputOf(op.getDy()), start, head));
    loadNumbers(start, head, kRows, g.i32(0));
    Value end = arith::MinSIOp::create(b, g.add(start, kRows), g.i32(seq));
    auto fetch = [&](Value at, Value slot) {
      load(slotOf(other, slot), rows(k.inputOf(op.getK()), at, group, end));
      load(slotOf(otherToo, slot), rows(k.inputOf(op.getV()), at, group, end));
    };
    Carried sums = meet(g.i32(0), start, end, others, Diagonal::last, zeros(padded), fetch,
                        [&](Value at, Value slot, bool isDiagonal, ValueRange before) -> Carried {
                          Tile keys = slotOf(other, slot);
                          lse.slot = delta.slot = g.i32(0);
                          Fragments scores = timesRows(own, keys), slopes = timesRows(ownToo, slotOf(otherToo, slot));
                          toGradients(
                              scores, slopes, others, isDiagonal,
                              [&](Value r, Value) { return std::make_pair(read(lse, r), read(delta, r)); },
                              [&](Value r, Value c) { return isSeen(g.add(start, r), g.add(at, c)); });
                          return addProduct(slopes, keys, before);
                        });
    for (Value dq : results[0])
      write(sums, rows(dq, start, head), {f32(scale), f32(scale)});
  }
};
} // namespace

LogicalResult nanochat::emitGpuAttention(func::FuncOp kernel, const Target &target) {
  Operation *op = onlyOp(kernel);
  auto isKnown = [](Type type) { return isa<Float32Type, BFloat16Type>(getElementTypeOrSelf(type)); };
  if (!op || !llvm::all_of(op->getOperandTypes(), isKnown) || !target.gpu->multiplies(Format::bf16))
    return decline(kernel, "attention is emitted alone, of f32 and bf16, where tensor cores multiply bf16");
  constexpr int64_t widest = 128; // of heads whose sums fit in registers
  auto fits = [&](auto attention) {
    return cast<RankedTensorType>(attention.getQ().getType()).getDimSize(1) / attention.getHeads() <= widest;
  };
  if (auto attention = dyn_cast<AttentionOp>(op); attention && fits(attention))
    Forward(kernel, attention).emit();
  else if (auto gradient = dyn_cast<AttentionGradOp>(op); gradient && fits(gradient))
    Backward(kernel, gradient).emit();
  else
    return decline(kernel, isa<AttentionOp, AttentionGradOp>(op)
                               ? "heads are wider than 128 channels: their sums would not fit in registers"
                               : "it is no attention");
  return expandMath(kernel);
}
