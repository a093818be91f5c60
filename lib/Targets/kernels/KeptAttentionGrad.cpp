// The gradient of causal attention for kept tokens on a CPU.
#include "lib/Targets/kernels/AttentionGrad.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// Queries of kept tokens. Among keys of kept tokens it is the gradient of a shorter sequence; keys of the others,
/// which are dropped, add to dq alone. Query i, at position t of its sequence, sees the first t − i of them.
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

void nanochat::emitAttentionGrad(func::FuncOp kernel, KeptAttentionGradOp op, const CpuFacts &facts) {
  int64_t sequences = op.getK().getType().getDimSize(0) / int64_t(op.getSeq());
  KeptBackward(kernel, op, op.getQ().getType().getDimSize(0) / sequences, facts).emit();
}
