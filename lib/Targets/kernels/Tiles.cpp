#include "lib/Targets/kernels/Tiles.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

Tiles::Tiles(ImplicitLocOpBuilder &b, const CpuFacts &facts)
    : b(b), lanes(facts.vectorBits / 32), tileRows(facts.vectorRegisters >= 32 ? 8 : 4),
      vector(VectorType::get({lanes}, b.getF32Type())) {}

/// Vectors per tile row: two or three keep the FMAs busy without spilling tileRows × vectors sums.
int64_t Tiles::tileColumns(int64_t width) const {
  int64_t vectors = llvm::divideCeil(width, lanes);
  return lanes * (vectors == 1 ? 1 : vectors % 3 == 0 ? 3 : 2);
}

Value Tiles::plus(Value i, int64_t c) { return c ? Value(arith::AddIOp::create(b, i, constantIndex(b, c))) : i; }

Value Tiles::offset(const Panel &block, Value i) {
  return block.row ? Value(arith::AddIOp::create(b, block.row, i)) : i;
}

Value Tiles::splat(Value scalar) { return vector::BroadcastOp::create(b, vector, scalar); }
Value Tiles::splat(double value) {
  return arith::ConstantOp::create(b, SplatElementsAttr::get(vector, static_cast<float>(value)));
}
Value Tiles::load(Value buffer, ValueRange at) { return vector::LoadOp::create(b, vector, buffer, at); }
void Tiles::store(Value value, Value buffer, ValueRange at) { vector::StoreOp::create(b, value, buffer, at); }

//===--- Products ----------------------------------------------------------------------------===//

void Tiles::product(const Product &p, llvm::function_ref<Value(Value)> rowEnd,
                    llvm::function_ref<std::pair<Value, Value>(Value)> kRange) {
  int64_t columns = cast<MemRefType>(p.c.buffer.getType()).getDimSize(1), width = tileColumns(columns);
  Value zero = constantIndex(b, 0);
  // A column tile of b stays in the first cache while the rows of a pass by.
  forLoop(b, zero, constantIndex(b, columns), width, {}, [&](Value j, ValueRange) -> Carried {
    forLoop(b, zero, rowEnd(j), tileRows, {}, [&](Value i, ValueRange) -> Carried {
      tile(p, i, j, width / lanes, kRange(i));
      return {};
    });
    return {};
  });
}

void Tiles::tile(const Product &p, Value i, Value j, int64_t vectors, std::pair<Value, Value> range) {
  Value aRow = p.transposed ? i : offset(p.a, i), cRow = offset(p.c, i);
  auto element = [&](int64_t r, int64_t v) { return SmallVector<Value>{plus(cRow, r), plus(j, v * lanes)}; };
  SmallVector<Value> sums;
  for (int64_t r = 0; r < tileRows; ++r)
    for (int64_t v = 0; v < vectors; ++v)
      sums.push_back(p.accumulate ? load(p.c.buffer, element(r, v)) : splat(0.0));
  sums = forLoop(b, range.first, range.second, 1, sums, [&](Value k, ValueRange acc) {
    SmallVector<Value> right;
    Carried next;
    for (int64_t v = 0; v < vectors; ++v)
      right.push_back(load(p.b.buffer, {offset(p.b, k), plus(j, v * lanes)}));
    for (int64_t r = 0; r < tileRows; ++r) {
      SmallVector<Value> at{plus(aRow, r), k};
      if (p.transposed)
        at = {offset(p.a, k), plus(aRow, r)};
      Value left = splat(memref::LoadOp::create(b, p.a.buffer, at));
      for (int64_t v = 0; v < vectors; ++v)
        next.push_back(math::FmaOp::create(b, left, right[v], acc[r * vectors + v]));
    }
    return next;
  });
  for (int64_t r = 0; r < tileRows; ++r)
    for (int64_t v = 0; v < vectors; ++v)
      store(sums[r * vectors + v], p.c.buffer, element(r, v));
}

//===--- Data movement -----------------------------------------------------------------------===//

void Tiles::transpose(Value from, Value to, double factor) {
  auto type = cast<MemRefType>(from.getType());
  Value zero = constantIndex(b, 0), scale = splat(factor);
  SmallVector<int64_t> low, high;
  for (int64_t l = 0; l < lanes; ++l) {
    low.append({l / 2 + (l % 2) * lanes});
    high.append({(lanes + l) / 2 + (l % 2) * lanes});
  }
  auto block = [&](Value i, Value j) {
    SmallVector<Value> rows, next(lanes);
    for (int64_t r = 0; r < lanes; ++r)
      rows.push_back(load(from, {plus(i, r), j}));
    // Interleaving row r with row r + lanes/2, log₂(lanes) times, transposes.
    for (int64_t round = 1; round < lanes; round *= 2) {
      for (int64_t r = 0; r < lanes / 2; ++r) {
        next[2 * r] = vector::ShuffleOp::create(b, rows[r], rows[r + lanes / 2], low);
        next[2 * r + 1] = vector::ShuffleOp::create(b, rows[r], rows[r + lanes / 2], high);
      }
      rows = next;
    }
    for (int64_t r = 0; r < lanes; ++r)
      store(arith::MulFOp::create(b, rows[r], scale), to, {plus(j, r), i});
  };
  int64_t columns = cast<MemRefType>(to.getType()).getDimSize(0);
  forLoop(b, zero, constantIndex(b, type.getDimSize(0)), lanes, {}, [&](Value i, ValueRange) -> Carried {
    forLoop(b, zero, constantIndex(b, columns), lanes, {}, [&](Value j, ValueRange) -> Carried {
      block(i, j);
      return {};
    });
    return {};
  });
}

void Tiles::eachVector(int64_t columns, llvm::function_ref<void(int64_t, Value)> fn) {
  for (int64_t c = 0; c < columns; c += lanes) {
    Value mask;
    if (columns - c < lanes)
      mask = vector::ConstantMaskOp::create(b, VectorType::get({lanes}, b.getI1Type()), ArrayRef<int64_t>{columns - c});
    fn(c, mask);
  }
}

void Tiles::copyIn(const Window &from, Value to, llvm::function_ref<Value(Value i)> rowOf) {
  auto type = cast<MemRefType>(to.getType());
  Value zero = constantIndex(b, 0), zeros = splat(0.0);
  forLoop(b, zero, from.rows, 1, {}, [&](Value i, ValueRange) -> Carried {
    Value row = rowOf ? rowOf(i) : arith::AddIOp::create(b, from.row, i).getResult();
    eachVector(from.columns, [&](int64_t c, Value mask) {
      SmallVector<Value> at{row, plus(from.column, c)};
      Value x =
          mask ? Value(vector::MaskedLoadOp::create(b, vector, from.buffer, at, mask, zeros)) : load(from.buffer, at);
      store(x, to, {i, constantIndex(b, c)});
    });
    for (int64_t c = llvm::alignTo(from.columns, lanes); c < type.getDimSize(1); c += lanes)
      store(zeros, to, {i, constantIndex(b, c)});
    return {};
  });
  forLoop(b, from.rows, constantIndex(b, type.getDimSize(0)), 1, {}, [&](Value i, ValueRange) -> Carried {
    for (int64_t c = 0; c < type.getDimSize(1); c += lanes)
      store(zeros, to, {i, constantIndex(b, c)});
    return {};
  });
}

void Tiles::copyOut(Panel from, const Window &to, double factor, Value rowFactors) {
  forLoop(b, constantIndex(b, 0), to.rows, 1, {}, [&](Value i, ValueRange) -> Carried {
    Value row = arith::AddIOp::create(b, to.row, i), scale = splat(factor);
    if (rowFactors)
      scale = splat(memref::LoadOp::create(b, rowFactors, i));
    eachVector(to.columns, [&](int64_t c, Value mask) {
      Value x = arith::MulFOp::create(b, load(from.buffer, {offset(from, i), constantIndex(b, c)}), scale);
      SmallVector<Value> at{row, plus(to.column, c)};
      if (mask)
        vector::MaskedStoreOp::create(b, to.buffer, at, mask, x);
      else
        store(x, to.buffer, at);
    });
    return {};
  });
}

void Tiles::fillZero(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  forLoop(b, constantIndex(b, 0), constantIndex(b, type.getDimSize(0)), 1, {}, [&](Value i, ValueRange) -> Carried {
    for (int64_t c = 0; c < type.getDimSize(1); c += lanes)
      store(splat(0.0), buffer, {i, constantIndex(b, c)});
    return {};
  });
}

//===--- Lanes -------------------------------------------------------------------------------===//

Value Tiles::exp2(Value x) {
  auto ints = VectorType::get({lanes}, b.getI32Type());
  auto intSplat = [&](int32_t v) -> Value { return arith::ConstantOp::create(b, SplatElementsAttr::get(ints, v)); };
  // Selected so that NaN, which compares false, passes.
  Value low = splat(-126.0);
  x = arith::SelectOp::create(b, arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, low), low, x);
  // Adding 1.5·2²³ leaves the nearest integer n in the low bits.
  Value magic = splat(12582912.0), shifted = arith::AddFOp::create(b, x, magic);
  Value r = arith::SubFOp::create(b, x, arith::SubFOp::create(b, shifted, magic));
  // 2^r on [-1/2, 1/2]: 1 + r times the interpolation of (2^r − 1)/r at Chebyshev nodes.
  static constexpr double coefficients[] = {0.69314718246,    0.240226507187,   0.0555035695434,
                                            0.00961808301508, 0.00133908633143, 0.000154531633598};
  Value y = splat(coefficients[5]);
  for (int64_t i = 4; i >= 0; --i)
    y = math::FmaOp::create(b, y, r, splat(coefficients[i]));
  y = math::FmaOp::create(b, y, r, splat(1.0));
  Value bits = arith::AddIOp::create(b, arith::BitcastOp::create(b, ints, shifted), intSplat(127));
  Value power = arith::BitcastOp::create(b, vector, arith::ShLIOp::create(b, bits, intSplat(23)));
  return arith::MulFOp::create(b, y, power);
}

Value Tiles::fromLane(Value first, int64_t start) {
  auto ints = VectorType::get({lanes}, b.getI32Type());
  SmallVector<int32_t> numbers;
  for (int64_t l = 0; l < lanes; ++l)
    numbers.push_back(start + l);
  Value lane = arith::ConstantOp::create(b, DenseElementsAttr::get(ints, ArrayRef<int32_t>(numbers)));
  Value from = vector::BroadcastOp::create(b, ints, arith::IndexCastOp::create(b, b.getI32Type(), first));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::sle, from, lane);
}
