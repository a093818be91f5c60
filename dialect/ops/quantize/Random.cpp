// Philox4x32-10 in compiled programs; runtime/program/Philox.h is the same for the host.
#include "dialect/ops/quantize/Random.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "runtime/program/Philox.h"

using namespace mlir;
using namespace mlir::nanochat;

/// The high and low halves of a·b, 32 bits each.
static std::pair<Value, Value> product(ImplicitLocOpBuilder &s, Value a, uint32_t b) {
  Type i32 = s.getI32Type(), i64 = s.getI64Type();
  Value wide = arith::MulIOp::create(s, arith::ExtUIOp::create(s, i64, a), constant(s, i64, double(b)));
  Value high = arith::ShRUIOp::create(s, wide, constant(s, i64, 32));
  return {arith::TruncIOp::create(s, i32, high), arith::TruncIOp::create(s, i32, wide)};
}

static Value word(ImplicitLocOpBuilder &s, uint32_t v) {
  return arith::ConstantOp::create(s, s.getI32IntegerAttr(int32_t(v)));
}

/// The four words of an element of `stream` (tensor<3xi32>).
static std::array<Value, 4> philox(ImplicitLocOpBuilder &s, Value stream, Value element, Value matrix, Value step) {
  auto part = [&](int64_t i) -> Value {
    return tensor::ExtractOp::create(s, stream, ValueRange{arith::ConstantIndexOp::create(s, i)});
  };
  auto exor = [&](Value x, Value y) -> Value { return arith::XOrIOp::create(s, x, y); };
  std::array<Value, 4> counter{element, matrix, part(2), step};
  std::array<Value, 2> key{part(0), part(1)};
  for (int round = 0; round < 10; ++round) {
    auto [high0, low0] = product(s, counter[0], 0xD2511F53u);
    auto [high1, low1] = product(s, counter[2], 0xCD9E8D57u);
    counter = {exor(exor(high1, counter[1]), key[0]), low1, exor(exor(high0, counter[3]), key[1]), low0};
    key = {arith::AddIOp::create(s, key[0], word(s, 0x9E3779B9u)),
           arith::AddIOp::create(s, key[1], word(s, 0xBB67AE85u))};
  }
  return counter;
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
        Value bit = arith::AndIOp::create(s, philox(s, getStream(), element, v[0], v[1])[0], word(s, 1));
        Value isOne = arith::CmpIOp::create(s, arith::CmpIPredicate::eq, bit, word(s, 1));
        return arith::SelectOp::create(s, isOne, constant(s, type.getElementType(), 1.0),
                                       constant(s, type.getElementType(), -1.0));
      })};
}

Value mlir::nanochat::randomUnit(ImplicitLocOpBuilder &b, Type type, Value stream, Value matrix, Value step) {
  AffineMap scalar = b.getMultiDimIdentityMap(0);
  return pointwise(b, RankedTensorType::get({}, type), {matrix, step}, {scalar, scalar},
                   [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                     Value bits = arith::ShRUIOp::create(s, philox(s, stream, word(s, 0), v[0], v[1])[1], word(s, 8));
                     return mul(s, arith::UIToFPOp::create(s, type, bits), constant(s, type, std::exp2(-24)));
                   });
}
