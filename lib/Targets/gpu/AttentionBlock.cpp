#include "lib/Targets/gpu/AttentionBlock.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

Value AttentionBlock::exp2(Value x) {
  return LLVM::CallIntrinsicOp::create(b, b.getF32Type(), b.getStringAttr("llvm.nvvm.ex2.approx.ftz.f"), ValueRange{x})
      .getResult(0);
}

void AttentionBlock::copy(const Tile &tile, const Window &window) {
  constexpr int64_t per = 8; // bf16 of 16 bytes
  int64_t inRow = padded / per, chunks = tile.rows * inRow;
  Value source = g.pointer(window.buffer);
  int64_t rowStride = cast<MemRefType>(window.buffer.getType()).getDimSize(1);
  auto chunk = [&](Value number) {
    Value r = g.div(number, inRow), channel = g.mul(g.rem(number, inRow), per);
    Value valid = arith::AndIOp::create(b, g.less(r, window.count), g.less(channel, g.i32(width)));
    Value line = arith::MulIOp::create(b, g.index(g.add(window.first, r)), constantIndex(b, rowStride));
    Value element = arith::AddIOp::create(b, line, g.index(g.add(window.column, channel)));
    element = arith::SelectOp::create(b, valid, element, constantIndex(b, 0));
    g.copyAsync(g.behind(tile.memory, g.add(g.mul(r, rowBytes()), g.mul(channel, 2))), g.element(source, element, 2),
                valid);
  };
  for (int64_t first = 0; first < chunks; first += kThreads) {
    Value number = g.add(g.thread(), first);
    OpBuilder::InsertionGuard guard(b);
    if (first + kThreads > chunks)
      b.setInsertionPointToStart(
          scf::IfOp::create(b, g.less(number, g.i32(chunks)), /*withElseRegion=*/false).thenBlock());
    chunk(number);
  }
}

void AttentionBlock::endStage() {
  if (copies)
    g.commit();
}

void AttentionBlock::arrive() {
  if (copies)
    g.waitFor(0);
  g.barrier();
}

void AttentionBlock::load(const Tile &tile, const Window &window) {
  if (copies)
    return copy(tile, window);
  // Four channels at once where heads are made of whole fours.
  int64_t per = width % 4 ? 1 : 4, inRow = padded / per;
  auto loaded = VectorType::get({per}, cast<MemRefType>(window.buffer.getType()).getElementType());
  auto bits = VectorType::get({per}, b.getI16Type());
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(loaded));
  forLoop(b, g.index(g.thread()), constantIndex(b, tile.rows * inRow), kThreads, {},
          [&](Value number, ValueRange) -> Carried {
            Value n = g.narrow(number), r = g.div(n, inRow), channel = g.mul(g.rem(n, inRow), per);
            Value isThere = arith::AndIOp::create(b, g.less(r, window.count), g.less(channel, g.i32(width)));
            auto branch = scf::IfOp::create(b, TypeRange(loaded), isThere, /*withElseRegion=*/true);
            {
              OpBuilder::InsertionGuard guard(b);
              b.setInsertionPointToStart(branch.thenBlock());
              SmallVector<Value> at{g.index(g.add(window.first, r)), g.index(g.add(window.column, channel))};
              auto align = llvm::Align(loaded.getElementTypeBitWidth() / 8 * per);
              Value four = vector::LoadOp::create(b, loaded, window.buffer, at, /*nontemporal=*/false, align);
              scf::YieldOp::create(b, four);
              b.setInsertionPointToStart(branch.elseBlock());
              scf::YieldOp::create(b, zero);
            }
            Value halves = branch.getResult(0);
            if (!loaded.getElementType().isBF16())
              halves = arith::TruncFOp::create(b, loaded.clone(b.getBF16Type()), halves);
            Value place = g.add(g.mul(r, rowBytes()), g.mul(channel, 2));
            LLVM::StoreOp::create(b, vector::BitCastOp::create(b, bits, halves), g.behind(tile.memory, place), 2 * per);
            return {};
          });
}

void AttentionBlock::dotRows(const Column &sums, int64_t rows, const Window &x, const Window &y) {
  int64_t per = width % 4 ? 1 : 4, perRow = kThreads / rows;
  auto type = VectorType::get({per}, b.getF32Type());
  Value r = g.div(g.thread(), perRow), part = g.rem(g.thread(), perRow);
  Value line = arith::MinSIOp::create(b, r, arith::SubIOp::create(b, x.count, g.i32(1)));
  auto read = [&](const Window &window, Value channel) -> Value {
    SmallVector<Value> at{g.index(g.add(window.first, line)), g.index(g.add(window.column, channel))};
    VectorType stored = type.clone(cast<MemRefType>(window.buffer.getType()).getElementType());
    auto align = llvm::Align(stored.getElementTypeBitWidth() / 8 * per);
    Value loaded = vector::LoadOp::create(b, stored, window.buffer, at, /*nontemporal=*/false, align);
    return stored == type ? loaded : Value(arith::ExtFOp::create(b, type, loaded));
  };
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  Value sum = forLoop(b, g.index(g.mul(part, per)), constantIndex(b, width), per * perRow, zero,
                      [&](Value channel, ValueRange before) -> Carried {
                        Value product = mulF(read(x, g.narrow(channel)), read(y, g.narrow(channel)));
                        return {arith::AddFOp::create(b, before[0], product)};
                      })[0];
  Value total = vector::ReductionOp::create(b, vector::CombiningKind::ADD, sum);
  for (int64_t lanes = 1; lanes < perRow; lanes *= 2)
    total = arith::AddFOp::create(b, total, g.fromLane(total, lanes));
  total = arith::SelectOp::create(b, g.less(r, x.count), total, f32(0));
  memref::StoreOp::create(b, total, sums.buffer,
                          ValueRange{g.index(sums.slot), g.index(r)}); // all threads of a row the same
}

void AttentionBlock::loadColumn(const Column &to, int64_t rows, const Window &window) {
  static_assert(kRows <= kThreads);
  auto branch = scf::IfOp::create(b, g.less(g.thread(), g.i32(rows)), /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Value valid = g.less(g.thread(), window.count), slot = g.index(to.slot);
  Value row = g.index(arith::SelectOp::create(b, valid, g.add(window.first, g.thread()), g.i32(0)));
  if (!copies) {
    Value x = memref::LoadOp::create(b, window.buffer, ValueRange{row, g.index(window.column)});
    x = arith::SelectOp::create(b, valid, x, f32(0));
    memref::StoreOp::create(b, x, to.buffer, ValueRange{slot, g.index(g.thread())});
    return;
  }
  auto addressOf = [&](Value buffer, Value row, Value column) -> Value {
    int64_t columns = cast<MemRefType>(buffer.getType()).getDimSize(1);
    Value element = arith::AddIOp::create(b, arith::MulIOp::create(b, row, constantIndex(b, columns)), g.index(column));
    return g.element(g.pointer(buffer), element, 4);
  };
  g.copyAsync(addressOf(to.buffer, slot, g.thread()), addressOf(window.buffer, row, window.column), valid, 4);
}

Value AttentionBlock::matrixRow(const Tile &tile, Value first, Value chunk) {
  return g.behind(tile.memory, g.add(g.mul(first, rowBytes()), g.mul(chunk, 16)));
}

/// The warp's 16 rows, as a factor a: channels of step `step`.
Fragments AttentionBlock::rowsOf(const Tile &tile, int64_t step) {
  Value matrix = g.div(lane, 8), line = g.add(g.add(warpRow, g.mul(g.rem(matrix, 2), 8)), g.rem(lane, 8));
  return g.loadMatrices(matrixRow(tile, line, g.add(g.div(matrix, 2), 2 * step)), 4, /*transposed=*/false);
}

Fragments AttentionBlock::timesRows(const Tile &x, const Tile &y) {
  Fragments sums = zeros(y.rows);
  Value matrix = g.div(lane, 8), line = g.add(g.mul(g.div(matrix, 2), 8), g.rem(lane, 8));
  for (int64_t step = 0; step < padded / kStep; ++step) {
    Fragments a = rowsOf(x, step);
    for (int64_t j = 0; j < y.rows / kFragment; j += 2) {
      Fragments two = g.loadMatrices(matrixRow(y, g.add(line, j * kFragment), g.add(g.rem(matrix, 2), 2 * step)), 4,
                                     /*transposed=*/false);
      for (int64_t half = 0; half < 2; ++half) {
        auto at = sums.begin() + 4 * (j + half);
        llvm::copy(g.multiply(Format::bf16, a, ArrayRef(two).slice(2 * half, 2), SmallVector<Value>(at, at + 4)), at);
      }
    }
  }
  return sums;
}

Fragments AttentionBlock::addProduct(ArrayRef<Value> p, const Tile &y, ValueRange given) {
  Fragments sums(given);
  auto pack = [&](Value low, Value high) -> Value {
    auto two = VectorType::get({2}, b.getF32Type());
    Value pair = vector::FromElementsOp::create(b, two, ValueRange{low, high});
    Value halves = arith::TruncFOp::create(b, two.clone(b.getBF16Type()), pair);
    return vector::ExtractOp::create(b, vector::BitCastOp::create(b, VectorType::get({1}, b.getI32Type()), halves), 0);
  };
  Value matrix = g.div(lane, 8), line = g.add(g.mul(g.rem(matrix, 2), 8), g.rem(lane, 8));
  for (int64_t step = 0; step < y.rows / kStep; ++step) {
    ArrayRef<Value> left = p.slice(8 * step, 4), right = p.slice(8 * step + 4, 4);
    Fragments a{pack(left[0], left[1]), pack(left[2], left[3]), pack(right[0], right[1]), pack(right[2], right[3])};
    for (int64_t j = 0; j < padded / kFragment; j += 2) {
      Fragments two =
          g.loadMatrices(matrixRow(y, g.add(line, step * kStep), g.add(g.div(matrix, 2), j)), 4, /*transposed=*/true);
      for (int64_t half = 0; half < 2; ++half) {
        auto at = sums.begin() + 4 * (j + half);
        llvm::copy(g.multiply(Format::bf16, a, ArrayRef(two).slice(2 * half, 2), SmallVector<Value>(at, at + 4)), at);
      }
    }
  }
  return sums;
}

void AttentionBlock::each(int64_t columns, llvm::function_ref<void(Value, Value, int64_t)> fn) {
  for (int64_t j = 0; j < columns / kFragment; ++j)
    for (int64_t i = 0; i < 4; ++i)
      fn(g.add(g.add(warpRow, row), 8 * (i / 2)), g.add(column, j * kFragment + i % 2), 4 * j + i);
}

Value AttentionBlock::acrossRow(Value x, llvm::function_ref<Value(Value, Value)> combine) {
  for (int64_t lanes : {1, 2})
    x = combine(x, g.fromLane(x, lanes));
  return x;
}

void AttentionBlock::write(ArrayRef<Value> sums, const Window &window, ArrayRef<Value> factors) {
  each(padded, [&](Value r, Value channel, int64_t at) {
    if (at % 2 && width % 2 == 0)
      return; // written with its neighbour
    Value isThere = arith::AndIOp::create(b, g.less(r, window.count), g.less(channel, g.i32(width)));
    auto branch = scf::IfOp::create(b, isThere, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value factor = factors[at % 4 / 2], low = mulF(sums[at], factor);
    SmallVector<Value> place{g.index(g.add(window.first, r)), g.index(g.add(window.column, channel))};
    if (width % 2) {
      memref::StoreOp::create(b, low, window.buffer, place);
      return;
    }
    Value pair = vector::FromElementsOp::create(b, VectorType::get({2}, b.getF32Type()),
                                                ValueRange{low, mulF(sums[at + 1], factor)});
    vector::StoreOp::create(b, pair, window.buffer, place, /*nontemporal=*/false, llvm::Align(8));
  });
}
