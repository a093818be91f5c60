// Products of bytes without sign and of scaled blocks: sums of rows, scales as floats, and sums over blocks.
#include "dialect/ops/quantize/Fp4.h"
#include "lib/Targets/kernels/GemmEmitter.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::nanochat;

//===--- Bytes without sign ------------------------------------------------------------------===//

// Codes of b are 128 too large, or 1 in panels: that · Σ_k a[m, k] is subtracted from the start of row m, of each
// block.
static int32_t biasOf(const MatrixProduct &c) { return c.b.format == Format::panels ? -1 : -128; }

void GemmEmitter::sumRows(const Slab &s) { across ? sumRowsAcross(s) : sumRowsAlong(s); }

/// A lane is a row.
void GemmEmitter::sumRowsAcross(const Slab &s) {
  Value ones = constant(b, wordVector, 0x01010101), zero = constant(b, wordVector, 0);
  Value end = arith::MinUIOp::create(b, plus(m0, p.blockM), constantIndex(b, c.M));
  forLoop(b, m0, end, p.lanes, {}, [&](Value m, ValueRange) -> Carried {
    forLoop(b, constantIndex(b, 0), constantIndex(b, blocksIn(s)), 1, {}, [&](Value block, ValueRange) -> Carried {
      Value first = times(block, blockOf(s));
      Value sum = forLoop(b, first, plus(first, blockOf(s)), 1, {zero}, [&](Value k, ValueRange in) -> Carried {
        return {dot(in[0], vector::LoadOp::create(b, wordVector, panelA, placeInA(m, 0, k)), ones)};
      })[0];
      sum = arith::MulIOp::create(b, sum, constant(b, wordVector, biasOf(c)));
      vector::StoreOp::create(b, sum, sums, placeOf(local(m), block, across));
      return {};
    });
    return {};
  });
}

/// Lanes are words of a row: one block or, where these are short, several at once.
void GemmEmitter::sumRowsAlong(const Slab &s) {
  Value ones = constant(b, wordVector, 0x01010101), zero = constant(b, wordVector, 0);
  Value end = arith::MinUIOp::create(b, plus(m0, p.blockM), constantIndex(b, c.M));
  int64_t length = blockOf(s), atOnce = c.block ? std::max<int64_t>(1, p.lanes / length) : 1;
  forLoop(b, m0, end, 1, {}, [&](Value m, ValueRange) -> Carried {
    auto add = [&](Value acc, Value k, int64_t groups) {
      if (packsA)
        return dot(acc, vector::LoadOp::create(b, wordVector, panelA, ValueRange{local(m), k}), ones);
      Value at = times(arith::AddIOp::create(b, s.k, k), p.per);
      return dot(acc, readA->read(m, 1, at, groups, groups * p.per, /*alongX=*/false)[0], ones);
    };
    // `count` blocks from `block` on.
    auto some = [&](Value block, int64_t count) {
      Value first = times(block, length);
      int64_t groups = count * length, whole = groups / p.lanes * p.lanes;
      Carried acc = forLoop(b, first, plus(first, whole), p.lanes, {zero},
                            [&](Value k, ValueRange in) -> Carried { return {add(in[0], k, p.lanes)}; });
      if (whole < groups)
        acc[0] = add(acc[0], plus(first, whole), groups - whole);
      storeSums(acc[0], local(m), block, atOnce, count);
    };
    int64_t whole = blocksIn(s) / atOnce * atOnce;
    forLoop(b, constantIndex(b, 0), constantIndex(b, whole), atOnce, {}, [&](Value block, ValueRange) -> Carried {
      some(block, atOnce);
      return {};
    });
    if (whole < blocksIn(s))
      some(constantIndex(b, whole), blocksIn(s) - whole);
    return {};
  });
}

/// Lanes of `words` hold the words of `atOnce` blocks, of which the first `count` are there.
void GemmEmitter::storeSums(Value words, Value row, Value block, int64_t atOnce, int64_t count) {
  if (atOnce == 1) {
    Value sum = vector::ReductionOp::create(b, vector::CombiningKind::ADD, words);
    sum = arith::MulIOp::create(b, sum, arith::ConstantOp::create(b, b.getI32IntegerAttr(biasOf(c))));
    memref::StoreOp::create(b, sum, sums, placeOf(row, block, across));
    return;
  }
  int64_t length = p.lanes / atOnce;
  for (int64_t h = length / 2; h; h /= 2) {
    SmallVector<int64_t> partner;
    for (int64_t l = 0; l < p.lanes; ++l)
      partner.push_back(l ^ h);
    words = arith::AddIOp::create(b, words, vector::ShuffleOp::create(b, words, words, partner));
  }
  SmallVector<int64_t> firsts;
  for (int64_t i = 0; i < count; ++i)
    firsts.push_back(i * length);
  Value of = vector::ShuffleOp::create(b, words, words, firsts);
  of = arith::MulIOp::create(b, of, constant(b, of.getType(), biasOf(c)));
  vector::StoreOp::create(b, of, sums, placeOf(row, block, across));
}

/// Sums of a tile start from those of its rows.
Carried GemmEmitter::startOfRows(const Tile &t, Carried sumsOfTile, Value block) {
  int64_t perRow = llvm::divideCeil(t.columns, p.lanes);
  for (auto [i, acc] : llvm::enumerate(sumsOfTile)) {
    Value sum = memref::LoadOp::create(b, sums, placeOf(local(plus(t.m, i / perRow)), block, across));
    acc = arith::AddIOp::create(b, acc, vector::BroadcastOp::create(b, wordVector, sum));
  }
  return sumsOfTile;
}

//===--- Scales of blocks --------------------------------------------------------------------===//

/// Scales as floats, in the lanes of `x` or of `block`, of which the first `active` are there.
Value GemmEmitter::scalesAt(const Factor &factor, Lanes x, Lanes block, int64_t active) {
  Evaluator::Scope scope(e);
  if (active < p.lanes)
    e.mask = vector::ConstantMaskOp::create(b, e.vectorOf(b.getI1Type()), ArrayRef<int64_t>{active});
  SmallVector<Lanes> at{x, block};
  if (factor.scalesAlongX)
    std::swap(at[0], at[1]);
  Value stored = e.vector(e.element(factor.scales, at));
  return decode(b, scaleFormatOf(stored.getType()), stored, e.vectorOf(b.getF32Type()));
}

void GemmEmitter::convertScalesOfA(const Slab &s) {
  Value firstBlock = arith::DivUIOp::create(b, s.k, constantIndex(b, p.perBlock));
  auto eachBlock = [&](int64_t end, int64_t step, llvm::function_ref<void(Value, Value)> body) {
    forLoop(b, constantIndex(b, 0), constantIndex(b, end), step, {}, [&](Value block, ValueRange) -> Carried {
      body(block, arith::AddIOp::create(b, firstBlock, block));
      return {};
    });
  };
  if (c.a.scalesAlongX)
    return rows([&](Value m, int64_t count) {
      eachBlock(blocksIn(s), 1, [&](Value block, Value number) {
        vector::StoreOp::create(b, scalesAt(c.a, {m, 1}, {number}, count), scalesA, placeOf(local(m), block, true));
      });
    });
  int64_t blocks = blocksIn(s), whole = blocks / p.lanes * p.lanes;
  Value end = arith::MinUIOp::create(b, plus(m0, p.blockM), constantIndex(b, c.M));
  forLoop(b, m0, end, 1, {}, [&](Value m, ValueRange) -> Carried {
    eachBlock(whole, p.lanes, [&](Value block, Value number) {
      vector::StoreOp::create(b, scalesAt(c.a, {m}, {number, 1}, p.lanes), scalesA, placeOf(local(m), block, false));
    });
    if (int64_t rest = blocks - whole) {
      Value block = constantIndex(b, whole),
            mask = vector::ConstantMaskOp::create(b, e.vectorOf(b.getI1Type()), ArrayRef{rest});
      Value scales = scalesAt(c.a, {m}, {arith::AddIOp::create(b, firstBlock, block), 1}, rest);
      vector::MaskedStoreOp::create(b, scalesA, placeOf(local(m), block, false), mask, scales);
    }
    return {};
  });
}

void GemmEmitter::convertScalesOfB(const Slab &s, Value n, int64_t columns) {
  Value firstBlock = arith::DivUIOp::create(b, s.k, constantIndex(b, p.perBlock));
  forLoop(b, constantIndex(b, 0), constantIndex(b, blocksIn(s)), 1, {}, [&](Value block, ValueRange) -> Carried {
    for (int64_t j = 0; j < columns; j += p.lanes) {
      Value scales =
          scalesAt(c.b, {plus(n, j), 1}, {arith::AddIOp::create(b, firstBlock, block)}, std::min(p.lanes, columns - j));
      vector::StoreOp::create(b, scales, scalesB, ValueRange{block, constantIndex(b, j)});
    }
    return {};
  });
}

/// Adds the integers of every block of the slab, times its scales.
Carried GemmEmitter::addBlocks(const Slab &s, const Tile &t, ValueRange accumulators) {
  int64_t perRow = llvm::divideCeil(t.columns, p.lanes);
  auto add = [&](Value block, ValueRange in) -> Carried {
    Carried start(in.size(), constant(b, wordVector, 0)), ofColumns, next;
    if (p.bytes)
      start = startOfRows(t, start, block);
    Carried integers = addUp(s, t, times(block, p.perBlock), p.perBlock, start);
    for (int64_t j = 0; scalesB && j < perRow; ++j)
      ofColumns.push_back(
          vector::LoadOp::create(b, sumVector, scalesB, ValueRange{block, constantIndex(b, j * p.lanes)}));
    for (auto [i, sum] : llvm::enumerate(integers)) {
      Value scale;
      if (scalesA) {
        Value ofRow =
            memref::LoadOp::create(b, scalesA, placeOf(local(plus(t.m, i / perRow)), block, c.a.scalesAlongX));
        scale = vector::BroadcastOp::create(b, sumVector, ofRow);
      }
      if (scalesB)
        scale = scale ? mul(b, scale, ofColumns[i % perRow]) : ofColumns[i % perRow];
      next.push_back(math::FmaOp::create(b, arith::SIToFPOp::create(b, sumVector, sum), scale, in[i]));
    }
    return next;
  };
  return forLoop(b, constantIndex(b, 0), constantIndex(b, blocksIn(s)), 1, accumulators, add);
}
