#include "lib/Distribute/Ternary.h"
#include "dialect/Linalg.h"
#include "dialect/ops/quantize/Blocks.h"

using namespace mlir;
using namespace mlir::nanochat;

static constexpr int64_t kOfByte = 4;

bool mlir::nanochat::packsTernary(int64_t codes) { return codes % kOfByte == 0; }

RankedTensorType mlir::nanochat::packedTernary(RankedTensorType codes) {
  return withShape(codes, {codes.getNumElements() / kOfByte});
}

static Value number(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantOp::create(b, b.getIntegerAttr(b.getI8Type(), value));
}

Value mlir::nanochat::packTernary(ImplicitLocOpBuilder &b, Value codes) {
  AffineExpr at = b.getAffineDimExpr(0);
  SmallVector<AffineMap> ofByte;
  for (int64_t i = 0; i < kOfByte; ++i)
    ofByte.push_back(AffineMap::get(1, 0, at * kOfByte + i));
  return pointwise(b, packedTernary(typeOf(codes)), SmallVector<Value>(kOfByte, flatten(b, codes)), ofByte,
                   [](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                     Value byte;
                     for (auto [i, code] : llvm::enumerate(v)) {
                       Value bits =
                           arith::AndIOp::create(s, arith::AddIOp::create(s, code, number(s, 1)), number(s, 3));
                       bits = arith::ShLIOp::create(s, bits, number(s, 2 * int64_t(i)));
                       byte = byte ? arith::OrIOp::create(s, byte, bits).getResult() : bits;
                     }
                     return byte;
                   });
}

Value mlir::nanochat::unpackTernary(ImplicitLocOpBuilder &b, Value packed, RankedTensorType codes) {
  RankedTensorType digits = withShape(codes, {codes.getNumElements() / kOfByte, kOfByte});
  Value unpacked = pointwise(
      b, digits, packed, projection(b.getContext(), 2, {0}), [](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
        Value digit = arith::IndexCastOp::create(s, s.getI8Type(), linalg::IndexOp::create(s, 1));
        Value bits = arith::ShRUIOp::create(s, v[0], arith::ShLIOp::create(s, digit, number(s, 1)));
        return arith::SubIOp::create(s, arith::AndIOp::create(s, bits, number(s, 3)), number(s, 1));
      });
  return reshape(b, unpacked, codes.getShape());
}
