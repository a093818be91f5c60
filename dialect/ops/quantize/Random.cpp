// Philox4x32-10 in compiled programs; runtime/program/Philox.h is the same for the host.
#include "dialect/ops/quantize/Random.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "runtime/program/Philox.h"

using namespace mlir;
using namespace mlir::nanochat;

/// The high and low halves of a·b in vectors of an even length: products of even and of odd lanes, each in two lanes.
static std::pair<Value, Value> vectorProduct(ImplicitLocOpBuilder &s, Value a, VectorType type, uint32_t b) {
  auto pairs = VectorType::get({type.getDimSize(0) / 2}, s.getI64Type());
  auto c = [&](uint64_t bits) -> Value {
    return arith::ConstantOp::create(s, SplatElementsAttr::get(pairs, s.getI64IntegerAttr(int64_t(bits))));
  };
  Value both = vector::BitCastOp::create(s, pairs, a), low = c(0xFFFFFFFF), half = c(32), factor = c(b);
  Value even = arith::MulIOp::create(s, arith::AndIOp::create(s, both, low), factor);
  Value odd = arith::MulIOp::create(s, arith::ShRUIOp::create(s, both, half), factor);
  Value highs = arith::OrIOp::create(s, arith::ShRUIOp::create(s, even, half),
                                     arith::AndIOp::create(s, odd, c(0xFFFFFFFF00000000)));
  Value lows = arith::OrIOp::create(s, arith::AndIOp::create(s, even, low), arith::ShLIOp::create(s, odd, half));
  return {vector::BitCastOp::create(s, type, highs), vector::BitCastOp::create(s, type, lows)};
}

/// The high and low halves of a·b, 32 bits each.
static std::pair<Value, Value> product(ImplicitLocOpBuilder &s, Value a, uint32_t b) {
  if (auto type = dyn_cast<VectorType>(a.getType()))
    return vectorProduct(s, a, type, b);
  Type i32 = a.getType(), i64 = withElementOf(i32, s.getI64Type());
  Value wide = arith::MulIOp::create(s, arith::ExtUIOp::create(s, i64, a), constant(s, i64, double(b)));
  Value high = arith::ShRUIOp::create(s, wide, constant(s, i64, 32));
  return {arith::TruncIOp::create(s, i32, high), arith::TruncIOp::create(s, i32, wide)};
}

static Value word(ImplicitLocOpBuilder &s, uint32_t v) {
  return arith::ConstantOp::create(s, s.getI32IntegerAttr(int32_t(v)));
}

std::array<Value, 4> mlir::nanochat::philox(ImplicitLocOpBuilder &s, std::array<Value, 4> counter,
                                            std::array<Value, 2> key) {
  auto exor = [&](Value x, Value y) -> Value { return arith::XOrIOp::create(s, x, y); };
  auto raised = [&](Value x, int32_t by) -> Value { return arith::AddIOp::create(s, x, constant(s, x.getType(), by)); };
  for (int round = 0; round < 10; ++round) {
    auto [high0, low0] = product(s, counter[0], 0xD2511F53u);
    auto [high1, low1] = product(s, counter[2], 0xCD9E8D57u);
    counter = {exor(exor(high1, counter[1]), key[0]), low1, exor(exor(high0, counter[3]), key[1]), low0};
    key = {raised(key[0], int32_t(0x9E3779B9u)), raised(key[1], int32_t(0xBB67AE85u))};
  }
  return counter;
}

/// Word i of a tensor of words.
static Value part(ImplicitLocOpBuilder &s, Value words, int64_t i) {
  return tensor::ExtractOp::create(s, words, ValueRange{arith::ConstantIndexOp::create(s, i)});
}

/// The four words of an element of `stream` (tensor<3xi32>).
static std::array<Value, 4> streamWords(ImplicitLocOpBuilder &s, Value stream, Value element, Value matrix,
                                        Value step) {
  return philox(s, {element, matrix, part(s, stream, 2), step}, {part(s, stream, 0), part(s, stream, 1)});
}

Value mlir::nanochat::randomWord(ImplicitLocOpBuilder &s, Value stream, Value element, Value matrix, Value step) {
  return streamWords(s, stream, element, matrix, step)[0];
}

Value mlir::nanochat::halfOf(ImplicitLocOpBuilder &b, const std::array<Value, 4> &words, int64_t position) {
  Value both = words[position / 2];
  if (position % 2)
    return arith::ShRUIOp::create(b, both, constant(b, both.getType(), 16));
  return arith::AndIOp::create(b, both, constant(b, both.getType(), 0xFFFF));
}

Value mlir::nanochat::roundByChance(ImplicitLocOpBuilder &b, Value number, Value chance) {
  auto c = [&](double value) { return constant(b, number.getType(), value); };
  Value down = math::FloorOp::create(b, number);
  Value isUp = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, chance, sub(b, number, down));
  return add(b, down, arith::SelectOp::create(b, isUp, c(1), c(0)));
}

Value mlir::nanochat::randomHalf(ImplicitLocOpBuilder &s, Value address, Value block, Value position) {
  Value number = arith::IndexCastOp::create(s, s.getI32Type(), block),
        at = arith::IndexCastOp::create(s, s.getI32Type(), position);
  auto words = philox(s, {number, part(s, address, 3), part(s, address, 2), part(s, address, 4)},
                      {part(s, address, 0), part(s, address, 1)});
  Value chosen = words[0];
  for (int i = 1; i < 4; ++i) {
    Value isBehind = arith::CmpIOp::create(s, arith::CmpIPredicate::uge, at, word(s, 2 * i));
    chosen = arith::SelectOp::create(s, isBehind, words[i], chosen);
  }
  Value shift = arith::MulIOp::create(s, arith::AndIOp::create(s, at, word(s, 1)), word(s, 16));
  return arith::AndIOp::create(s, arith::ShRUIOp::create(s, chosen, shift), word(s, 0xFFFF));
}

Value mlir::nanochat::randomHalfAt(ImplicitLocOpBuilder &s, Value address, int64_t axis, int64_t columns) {
  auto c = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(s, value); };
  Value along = linalg::IndexOp::create(s, axis), other = linalg::IndexOp::create(s, 1 - axis);
  Value eight = arith::DivUIOp::create(s, along, c(kHalves));
  Value row = axis ? other : eight, column = axis ? eight : other;
  Value inRow = c(axis ? llvm::divideCeil(columns, kHalves) : columns);
  Value number = arith::AddIOp::create(s, arith::MulIOp::create(s, row, inRow), column);
  return randomHalf(s, address, number, arith::RemUIOp::create(s, along, c(kHalves)));
}

Value mlir::nanochat::addressWithin(ImplicitLocOpBuilder &b, Value address, Value part, int64_t count) {
  MLIRContext *ctx = b.getContext();
  return pointwise(b, typeOf(address), {address, part}, {projection(ctx, 1, {0}), projection(ctx, 1, {})},
                   [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                     Value isIteration =
                         arith::CmpIOp::create(s, arith::CmpIPredicate::eq, linalg::IndexOp::create(s, 0),
                                               arith::ConstantIndexOp::create(s, 3));
                     Value before = arith::MulIOp::create(s, v[0], word(s, count));
                     return arith::SelectOp::create(s, isIteration, arith::AddIOp::create(s, before, v[1]), v[0]);
                   });
}

SmallVector<Value> RandomStreamOp::decompose(ImplicitLocOpBuilder &b) {
  return {pointwise(
      b, cast<RankedTensorType>(getStream().getType()), {}, {}, [&](ImplicitLocOpBuilder &s, ValueRange) -> Value {
        Value i = linalg::IndexOp::create(s, 0), last = arith::ConstantIndexOp::create(s, 1);
        Value ofSeed = tensor::ExtractOp::create(s, getSeed(), ValueRange{arith::MinUIOp::create(s, i, last)});
        Value isSite = arith::CmpIOp::create(s, arith::CmpIPredicate::ugt, i, last);
        return arith::SelectOp::create(s, isSite, word(s, nc::streamId(getSite())), ofSeed);
      })};
}

SmallVector<Value> RandomSignsOp::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType type = getX().getType();
  AffineMap scalar = projection(getContext(), 2, {});
  return {pointwise(
      b, type, {getMatrix(), getStep()}, {scalar, scalar}, [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
        Value row = linalg::IndexOp::create(s, 0), width = arith::ConstantIndexOp::create(s, type.getDimSize(1));
        Value place = arith::AddIOp::create(s, arith::MulIOp::create(s, row, width), linalg::IndexOp::create(s, 1));
        Value element = arith::IndexCastOp::create(
            s, s.getI32Type(), arith::AddIOp::create(s, place, arith::ConstantIndexOp::create(s, getFirst())));
        Value bit = arith::AndIOp::create(s, streamWords(s, getStream(), element, v[0], v[1])[0], word(s, 1));
        Value isOne = arith::CmpIOp::create(s, arith::CmpIPredicate::eq, bit, word(s, 1));
        return arith::SelectOp::create(s, isOne, constant(s, type.getElementType(), 1.0),
                                       constant(s, type.getElementType(), -1.0));
      })};
}

Value mlir::nanochat::randomUnit(ImplicitLocOpBuilder &b, Type type, Value stream, Value matrix, Value step) {
  AffineMap scalar = b.getMultiDimIdentityMap(0);
  return pointwise(b, RankedTensorType::get({}, type), {matrix, step}, {scalar, scalar},
                   [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                     Value bits =
                         arith::ShRUIOp::create(s, streamWords(s, stream, word(s, 0), v[0], v[1])[1], word(s, 8));
                     return mul(s, arith::UIToFPOp::create(s, type, bits), constant(s, type, std::exp2(-24)));
                   });
}

SmallVector<Value> RandomAddressOp::decompose(ImplicitLocOpBuilder &b) {
  AffineMap scalar = projection(getContext(), 1, {});
  return {pointwise(b, getAddress().getType(), {getIteration(), getStep()}, {scalar, scalar},
                    [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                      Value i = linalg::IndexOp::create(s, 0);
                      auto is = [&](int64_t k) -> Value {
                        return arith::CmpIOp::create(s, arith::CmpIPredicate::eq, i,
                                                     arith::ConstantIndexOp::create(s, k));
                      };
                      Value last = arith::ConstantIndexOp::create(s, 1);
                      Value x = tensor::ExtractOp::create(s, getSeed(), ValueRange{arith::MinUIOp::create(s, i, last)});
                      x = arith::SelectOp::create(s, is(2), word(s, nc::streamId(getSite())), x);
                      x = arith::SelectOp::create(s, is(3), v[0], x);
                      return arith::SelectOp::create(s, is(4), v[1], x);
                    })};
}
