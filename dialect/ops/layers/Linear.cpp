#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "dialect/ops/group/Group.h"
#include "dialect/ops/quantize/Fp4.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

/// c = Σ_k a·b in the loops (m, n, k), with a and b indexed by the given dims.
static Value contract(ImplicitLocOpBuilder &b, RankedTensorType type, Value lhs, Value rhs, ArrayRef<unsigned> lhsDims,
                      ArrayRef<unsigned> rhsDims) {
  MLIRContext *ctx = b.getContext();
  return reduce(b, type, 3, {0, 1}, 0.0, {lhs, rhs}, {projection(ctx, 3, lhsDims), projection(ctx, 3, rhsDims)},
                sumProducts);
}

//===--- linear ------------------------------------------------------------------------------===//

LogicalResult LinearOp::verify() {
  auto x = typeOf(getX()), w = typeOf(getW());
  if (x.getDimSize(1) != w.getDimSize(1)) // linear-c1
    return emitOpError("x ") << x << " has " << x.getDimSize(1) << " channels but w " << w << " takes "
                             << w.getDimSize(1) << " (weights are out × in)";
  if (getBias() && typeOf(getBias()).getDimSize(0) != w.getDimSize(0)) // linear-c2
    return emitOpError("bias ") << getBias().getType() << " does not match the " << w.getDimSize(0)
                                << " output channels of w " << w;
  if (getForward() &&
      failed(verifyBlocks(*this, "inputs", x.getDimSize(1), factsOf(*getForward()).block, "factors"))) // linear-c3
    return failure();
  if (getAmong() > 1 && getForward()) // linear-c6
    return emitOpError("has factors in ") << stringifyFp4Format(*getForward()) << ", and ranks with parts of them";
  BackwardAttr backward = getBackwardAttr();
  if (!backward)
    return success();
  for (BackwardFormat format : {backward.getDx(), backward.getDw()})
    if (format != BackwardFormat::f32 && !symbolizeFp4Format(unsigned(format))) // linear-c4
      return emitOpError("has gradients in ")
             << stringifyBackwardFormat(format) << "; those of dense linears are in f32, mxfp4 or nvfp4";
  return verifyBlocks(*this, backward, x.getDimSize(0), w.getDimSize(0)); // linear-c5
}

SmallVector<Value> LinearOp::decompose(ImplicitLocOpBuilder &b) {
  auto type = typeOf(getY());
  Value y = getForward() ? fp4Linear(b, *this) : contract(b, type, getX(), getW(), {0, 2}, {1, 2});
  y = reduceOverGroup(b, GroupReduction::sum, y, getAmong());
  if (getBias())
    y = pointwise(b, type, {y, getBias()}, {b.getMultiDimIdentityMap(2), projection(b.getContext(), 2, {1})},
                  [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[0], v[1]); });
  return {y};
}

LogicalResult LinearOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  Value dy = ct.of(getY());
  BackwardAttr backward = getBackwardAttr();
  if (backward && backward.draws() && !getSite())
    return emitOpError("rounds gradients by chance and has no site that random numbers are of");
  auto isFp4 = [&](BackwardFormat format) { return symbolizeFp4Format(unsigned(format)).has_value(); };
  if (ct.wants(getX())) {
    bool isNarrow = backward && isFp4(backward.getDx());
    ct.add(b, getX(),
           isNarrow ? fp4InputGrad(b, backward, getSiteAttr(), dy, getW())
                    : MatmulOp::create(b, dy, getForward() ? fp4Weight(b, *this) : getW(), false, false));
  }
  if (ct.wants(getW())) {
    bool isNarrow = backward && isFp4(backward.getDw());
    Value dw = isNarrow ? fp4WeightGrad(b, backward, getSiteAttr(), dy, getX())
                        : MatmulOp::create(b, dy, getForward() ? fp4Input(b, *this) : getX(), true, false);
    bool isSloped = getForward() && getDge().convertToDouble() > 0;
    ct.add(b, getW(), isSloped ? mul(b, dw, fp4Slope(b, *this)) : dw);
  }
  if (getBias() && ct.wants(getBias()))
    ct.add(b, getBias(), SumRowsOp::create(b, dy));
  return success();
}

//===--- matmul ------------------------------------------------------------------------------===//

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto a = typeOf(adaptor.getA()), b = typeOf(adaptor.getB());
  types.push_back(withShape(a, {a.getDimSize(adaptor.getTransA()), b.getDimSize(!adaptor.getTransB())}));
  return success();
}

LogicalResult MatmulOp::verify() {
  auto a = typeOf(getA()), b = typeOf(getB());
  int64_t left = a.getDimSize(!getTransA()), right = b.getDimSize(getTransB());
  if (left != right) // matmul-c1
    return emitOpError("contracts ") << left << " elements of " << a << " with " << right << " of " << b;
  return success();
}

SmallVector<AffineMap> MatmulOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  return {getTransA() ? projection(ctx, 3, {2, 0}) : projection(ctx, 3, {0, 2}),
          getTransB() ? projection(ctx, 3, {1, 2}) : projection(ctx, 3, {2, 1}), projection(ctx, 3, {0, 1})};
}

SmallVector<Value> MatmulOp::decompose(ImplicitLocOpBuilder &b) {
  using Dims = SmallVector<unsigned>;
  Dims lhs = getTransA() ? Dims{2, 0} : Dims{0, 2}, rhs = getTransB() ? Dims{1, 2} : Dims{2, 1};
  return {contract(b, typeOf(getC()), getA(), getB(), lhs, rhs)};
}

//===--- clamp_rows --------------------------------------------------------------------------===//

LogicalResult ClampRowsOp::verify() {
  int64_t columns = getX().getType().getDimSize(1);
  if (getLow() > getHigh() || int64_t(getHigh()) >= columns) // clamp_rows-c1
    return emitOpError("clamps between elements ") << getLow() << " and " << getHigh() << " of " << columns
                                                   << "; expected numbers from 0 that rise and are fewer";
  return success();
}

/// A float as an integer that rises with it, and back.
static Value toOrdered(ImplicitLocOpBuilder &s, Value bits) {
  Type type = bits.getType();
  Value all = arith::ShRSIOp::create(s, bits, constant(s, type, type.getIntOrFloatBitWidth() - 1));
  return arith::XOrIOp::create(s, bits, arith::ShRUIOp::create(s, all, constant(s, type, 1)));
}

/// Element `number` of each sorted row of x, found bit by bit: no more than `number` elements are below what it starts
/// with.
static Value sortedElement(ImplicitLocOpBuilder &b, Value x, int64_t number) {
  RankedTensorType type = typeOf(x);
  unsigned bits = type.getElementTypeBitWidth();
  Type word = b.getIntegerType(bits);
  auto words = RankedTensorType::get({type.getDimSize(0)}, word), counts = withElement(words, b.getI32Type());
  MatrixMaps maps(b.getContext());
  AffineMap row = b.getMultiDimIdentityMap(1);
  auto bit = [&](ImplicitLocOpBuilder &s, unsigned i) -> Value {
    return arith::ConstantOp::create(s, s.getIntegerAttr(word, APInt::getOneBitSet(bits, i)));
  };
  // Without sign, as far as it is known; the highest bit of ordered integers is inverted.
  Value found = arith::ConstantOp::create(b, DenseElementsAttr::get(words, APInt::getZero(bits)));
  for (unsigned i = bits; i-- > 0;) {
    Value below = reduce(b, counts, 2, {0}, 0.0, {x, found}, {maps.full, maps.row},
                         [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                           Type type = v[0].getType();
                           auto none = APFloat::getQNaN(cast<FloatType>(type).getFloatSemantics());
                           Value isNone = arith::CmpFOp::create(s, arith::CmpFPredicate::UNO, v[0], v[0]);
                           Value largest = arith::ConstantOp::create(s, s.getFloatAttr(type, none));
                           Value number = arith::SelectOp::create(s, isNone, largest, v[0]);
                           Value own = toOrdered(s, arith::BitcastOp::create(s, word, number));
                           own = arith::XOrIOp::create(s, own, bit(s, bits - 1));
                           Value trial = arith::OrIOp::create(s, v[1], bit(s, i));
                           Value isBelow = arith::CmpIOp::create(s, arith::CmpIPredicate::ult, own, trial);
                           return arith::AddIOp::create(s, v[2], arith::ExtUIOp::create(s, s.getI32Type(), isBelow));
                         });
    found = pointwise(b, words, {found, below}, {row, row}, [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
      Value isEnough = arith::CmpIOp::create(s, arith::CmpIPredicate::sle, v[1], constant(s, v[1].getType(), number));
      return arith::SelectOp::create(s, isEnough, arith::OrIOp::create(s, v[0], bit(s, i)), v[0]);
    });
  }
  return pointwise(b, withShape(type, {type.getDimSize(0)}), found, row, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Value ordered = arith::XOrIOp::create(s, v[0], bit(s, bits - 1));
    return arith::BitcastOp::create(s, type.getElementType(), toOrdered(s, ordered)).getResult();
  });
}

SmallVector<Value> ClampRowsOp::decompose(ImplicitLocOpBuilder &b) {
  MatrixMaps maps(b.getContext());
  Value low = sortedElement(b, getX(), getLow()), high = sortedElement(b, getX(), getHigh());
  return {pointwise(b, getX().getType(), {getX(), low, high}, {maps.full, maps.row, maps.row},
                    [](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                      return arith::MinimumFOp::create(s, arith::MaximumFOp::create(s, v[0], v[1]), v[2]);
                    })};
}

//===--- sum_rows ----------------------------------------------------------------------------===//

SmallVector<Value> SumRowsOp::decompose(ImplicitLocOpBuilder &b) {
  return {reduce(b, typeOf(getY()), 2, {1}, 0.0, {getX()}, {b.getMultiDimIdentityMap(2)}, sumUp)};
}
