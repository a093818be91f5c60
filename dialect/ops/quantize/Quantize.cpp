// Quantisers and their inverses: floats to codes and scales, and back.
#include "dialect/ops/quantize/Quantize.h"
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "dialect/ops/group/Group.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;
using utils::IteratorType;

/// Below this, a scale would blow up what is only noise.
static constexpr double kSmallest = 1e-5;

//===--- Shared with the ternary product -----------------------------------------------------===//

LogicalResult mlir::nanochat::verifyRowScales(Operation *op, Value q, Value s) {
  auto qt = cast<RankedTensorType>(q.getType()), st = cast<RankedTensorType>(s.getType());
  if (qt.getDimSize(0) != st.getDimSize(0))
    return op->emitOpError("has scales ")
           << st << ", expected one for each of the " << qt.getDimSize(0) << " rows of q " << qt;
  return success();
}

AffineMap mlir::nanochat::panelMap(MLIRContext *ctx, unsigned loops, unsigned out, unsigned in) {
  AffineExpr n = getAffineDimExpr(out, ctx), k = getAffineDimExpr(in, ctx);
  return AffineMap::get(loops, 0, {n.floorDiv(kPanelRows), k.floorDiv(kWord), n % kPanelRows, k % kWord}, ctx);
}

std::optional<Panels> mlir::nanochat::matchPanels(AffineMap map) {
  if (map.getNumResults() != 4)
    return std::nullopt;
  auto dimOf = [&](unsigned result) -> std::optional<unsigned> {
    auto binary = dyn_cast<AffineBinaryOpExpr>(map.getResult(result));
    auto dim = binary ? dyn_cast<AffineDimExpr>(binary.getLHS()) : AffineDimExpr(nullptr);
    return dim ? std::optional<unsigned>(dim.getPosition()) : std::nullopt;
  };
  auto out = dimOf(0), in = dimOf(1);
  if (!out || !in || map != panelMap(map.getContext(), map.getNumDims(), *out, *in))
    return std::nullopt;
  return Panels{*out, *in};
}

static bool isInPanels(Value t) { return cast<RankedTensorType>(t.getType()).getRank() == 4; }

RankedTensorType mlir::nanochat::matrixOf(Value t) {
  auto type = cast<RankedTensorType>(t.getType());
  if (!isInPanels(t))
    return type;
  auto shape = type.getShape();
  return withShape(type, {shape[0] * shape[2], shape[1] * shape[3]});
}

AffineMap mlir::nanochat::codeMap(Value t, unsigned loops, unsigned out, unsigned in) {
  return isInPanels(t) ? panelMap(t.getContext(), loops, out, in) : projection(t.getContext(), loops, {out, in});
}

Format mlir::nanochat::formatOfCodes(Value t) { return isInPanels(t) ? Format::panels : Format::int8; }

LogicalResult mlir::nanochat::verifyWeightScales(Operation *op, Value t, Value gamma) {
  auto tt = cast<RankedTensorType>(t.getType()), gt = cast<RankedTensorType>(gamma.getType());
  if (isInPanels(t) && (tt.getDimSize(2) != kPanelRows || tt.getDimSize(3) != kWord || gt.getRank() != 0))
    return op->emitOpError("has codes ") << tt << " with scales " << gt
                                         << "; panels have the shape (out/16, in/4, 16, 4) "
                                         << "and one scale";
  if (gt.getRank() == 0)
    return success();
  int64_t groups = gt.getDimSize(1);
  if (gt.getDimSize(0) != tt.getDimSize(0) || groups < 1 || tt.getDimSize(1) % groups)
    return op->emitOpError("has scales ")
           << gt << " for weights " << tt << "; expected a scalar or (" << tt.getDimSize(0)
           << ", groups) with groups a divisor of " << tt.getDimSize(1);
  return success();
}

LogicalResult mlir::nanochat::verifyGroup(Operation *op, int64_t group, Value w) {
  int64_t inputs = cast<RankedTensorType>(w.getType()).getDimSize(1);
  if (group && inputs % group)
    return op->emitOpError("has group = ") << group << ", which does not divide the " << inputs << " inputs of "
                                           << w.getType() << "; 0 scales per tensor";
  return success();
}

AffineMap mlir::nanochat::weightScaleMap(Value t, Value gamma, unsigned loops, unsigned out, unsigned in) {
  auto tt = matrixOf(t), gt = cast<RankedTensorType>(gamma.getType());
  MLIRContext *ctx = t.getContext();
  if (gt.getRank() == 0)
    return projection(ctx, loops, {});
  int64_t group = tt.getDimSize(1) / gt.getDimSize(1);
  return AffineMap::get(loops, 0, {getAffineDimExpr(out, ctx), getAffineDimExpr(in, ctx).floorDiv(group)}, ctx);
}

Value mlir::nanochat::splitGroups(ImplicitLocOpBuilder &b, Value matrix, int64_t groups) {
  auto type = cast<RankedTensorType>(matrix.getType());
  RankedTensorType split = withShape(type, {type.getDimSize(0), groups, type.getDimSize(1) / groups});
  return tensor::ExpandShapeOp::create(b, split, matrix, SmallVector<ReassociationIndices>{{0}, {1, 2}});
}

static Value joinGroups(ImplicitLocOpBuilder &b, Value split) {
  return tensor::CollapseShapeOp::create(b, split, SmallVector<ReassociationIndices>{{0}, {1, 2}});
}

//===--- quantize_rows -----------------------------------------------------------------------===//

LogicalResult QuantizeRowsOp::inferReturnTypes(MLIRContext *ctx, std::optional<Location>, Adaptor adaptor,
                                               SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  types.append({withElement(x, IntegerType::get(ctx, 8)), withShape(x, {x.getDimSize(0)})});
  return success();
}

SmallVector<Value> QuantizeRowsOp::decompose(ImplicitLocOpBuilder &b) {
  auto scales = cast<RankedTensorType>(getS().getType());
  AffineMap full = b.getMultiDimIdentityMap(2), row = projection(getContext(), 2, {0}),
            each = b.getMultiDimIdentityMap(1);
  const double most = factsOf(Format::int8).largest;
  Value largest = reduce(b, scales, 2, {0}, 0.0, {getX()}, {full}, [](ImplicitLocOpBuilder &s, ValueRange v) {
    return arith::MaximumFOp::create(s, v[1], math::AbsFOp::create(s, v[0]));
  });
  largest = reduceOverGroup(b, GroupReduction::maximum, largest, getAmong());
  largest = arith::MaximumFOp::create(b, largest, constant(b, scales, kSmallest));
  Value q = pointwise(b, cast<RankedTensorType>(getQ().getType()), {getX(), largest}, {full, row},
                      [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                        auto c = [&](double value) { return constant(s, v[0].getType(), value); };
                        Value scaled = mul(s, v[0], div(s, c(most), v[1]));
                        scaled = arith::MaximumFOp::create(s, scaled, c(-128.0));
                        scaled = arith::MinimumFOp::create(s, scaled, c(most));
                        return encode(s, Format::int8, scaled);
                      });
  Value s = pointwise(b, scales, {largest}, {each}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    return div(s, v[0], constant(s, v[0].getType(), most));
  });
  return {q, s};
}

LogicalResult QuantizeRowsOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  ct.add(b, getX(), ct.of(getQ()));
  return success();
}

Value QuantizeRowsOp::buildDequantized(OpBuilder &b) { return DequantizeRowsOp::create(b, getLoc(), getQ(), getS()); }
Value QuantizeRowsOp::buildSurrogate(OpBuilder &b, Value offset) {
  return arith::AddFOp::create(b, getLoc(), getX(), offset);
}

//===--- ternarize ---------------------------------------------------------------------------===//

/// The type of the scales of an op on w in groups.
template <typename Adaptor> static RankedTensorType scaleType(Adaptor adaptor) {
  auto w = cast<RankedTensorType>(adaptor.getW().getType());
  // While parsing, types are inferred before defaults are filled in.
  int64_t group = adaptor.getGroupAttr() ? adaptor.getGroup() : 0;
  bool divides = group > 0 && w.getDimSize(1) % group == 0; // else the verifier complains
  return divides ? withShape(w, {w.getDimSize(0), w.getDimSize(1) / group}) : withShape(w, {});
}

LogicalResult TernarizeOp::inferReturnTypes(MLIRContext *ctx, std::optional<Location>, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  types.push_back(withElement(cast<RankedTensorType>(adaptor.getW().getType()), IntegerType::get(ctx, 8)));
  types.push_back(scaleType(adaptor));
  return success();
}

LogicalResult TernarizeOp::verify() {
  if (getWhole() && getGroup()) // ternarize-c2
    return emitOpError("has a scale of ") << getWhole().getType() << " as a whole, and others of groups of inputs";
  return verifyGroup(*this, getGroup(), getW()); // ternarize-c1
}

Value TernarizeOp::getScaled() { return getWhole() ? getWhole() : getW(); }

/// max(sums / count, 1e-5).
static Value flooredMean(ImplicitLocOpBuilder &b, Value sums, int64_t count) {
  Value mean = div(b, sums, constant(b, sums.getType(), count));
  return arith::MaximumFOp::create(b, mean, constant(b, sums.getType(), kSmallest));
}

/// The codes of w, of any rank, whose scales `map` gives.
static Value ternaryCodes(ImplicitLocOpBuilder &b, Value w, Value gamma, AffineMap map) {
  auto type = cast<RankedTensorType>(w.getType());
  return pointwise(b, withElement(type, b.getI8Type()), {w, gamma}, {b.getMultiDimIdentityMap(type.getRank()), map},
                   [](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                     Value half = mul(s, v[1], constant(s, v[1].getType(), 0.5));
                     Value least = arith::NegFOp::create(s, half);
                     Value up = arith::CmpFOp::create(s, arith::CmpFPredicate::OGT, v[0], half);
                     Value down = arith::CmpFOp::create(s, arith::CmpFPredicate::OLT, v[0], least);
                     return arith::SubIOp::create(s, arith::ExtUIOp::create(s, s.getI8Type(), up),
                                                  arith::ExtUIOp::create(s, s.getI8Type(), down));
                   });
}

static Value addAbs(ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[1], math::AbsFOp::create(s, v[0])); }

/// gamma of w, of type `scales`, for weights in groups of `group` or, with 0, all together.
static Value ternaryScale(ImplicitLocOpBuilder &b, Value w, int64_t group, RankedTensorType scales) {
  auto type = typeOf(w);
  if (group) {
    Value groups = splitGroups(b, w, scales.getDimSize(1));
    return flooredMean(b, reduce(b, scales, 3, {0, 1}, 0.0, {groups}, {b.getMultiDimIdentityMap(3)}, addAbs), group);
  }
  Value rows =
      reduce(b, withShape(type, {type.getDimSize(0)}), 2, {0}, 0.0, {w}, {b.getMultiDimIdentityMap(2)}, addAbs);
  Value sum = reduce(b, scales, 1, {}, 0.0, {rows}, {b.getMultiDimIdentityMap(1)},
                     [](ImplicitLocOpBuilder &s, ValueRange v) { return add(s, v[1], v[0]); });
  return flooredMean(b, sum, type.getNumElements());
}

/// The codes of a matrix w whose scales are `gamma`.
static Value ternaryCodes(ImplicitLocOpBuilder &b, Value w, Value gamma) {
  auto scales = typeOf(gamma);
  if (scales.getRank() == 0)
    return ternaryCodes(b, w, gamma, projection(b.getContext(), 2, {}));
  Value groups = splitGroups(b, w, scales.getDimSize(1));
  return joinGroups(b, ternaryCodes(b, groups, gamma, projection(b.getContext(), 3, {0, 1})));
}

SmallVector<Value> TernarizeOp::decompose(ImplicitLocOpBuilder &b) {
  Value gamma = ternaryScale(b, getScaled(), getGroup(), typeOf(getGamma()));
  return {ternaryCodes(b, getW(), gamma), gamma};
}

SmallVector<IteratorType> TernarizeOp::getLoopIteratorTypes() {
  return {getGroup() ? IteratorType::parallel : IteratorType::reduction, IteratorType::reduction};
}
SmallVector<AffineMap> TernarizeOp::getIndexingMaps() {
  AffineMap full = projection(getContext(), 2, {0, 1});
  SmallVector<AffineMap> maps{full, full, weightScaleMap(getT(), getGamma(), 2, 0, 1)};
  AffineExpr all = getAffineConstantExpr(0, getContext());
  if (getWhole())
    maps.insert(maps.begin() + 1, AffineMap::get(2, 0, {all, all}, getContext()));
  return maps;
}

LogicalResult TernarizeOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  ct.add(b, getW(), ct.of(getT()));
  return success();
}

Value TernarizeOp::buildDequantized(OpBuilder &b) {
  return DequantizeWeightOp::create(b, getLoc(), getT(), getGamma());
}
Value TernarizeOp::buildSurrogate(OpBuilder &b, Value offset) {
  return arith::AddFOp::create(b, getLoc(), getW(), offset);
}

//===--- ternary_scale, ternarize_by ---------------------------------------------------------===//

LogicalResult TernaryScaleOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                               SmallVectorImpl<Type> &types) {
  types.push_back(scaleType(adaptor));
  return success();
}

LogicalResult TernaryScaleOp::verify() { return verifyGroup(*this, getGroup(), getW()); } // ternary_scale-c1

SmallVector<Value> TernaryScaleOp::decompose(ImplicitLocOpBuilder &b) {
  return {ternaryScale(b, getW(), getGroup(), typeOf(getGamma()))};
}

SmallVector<IteratorType> TernaryScaleOp::getLoopIteratorTypes() {
  return {getGroup() ? IteratorType::parallel : IteratorType::reduction, IteratorType::reduction};
}
SmallVector<AffineMap> TernaryScaleOp::getIndexingMaps() {
  return {projection(getContext(), 2, {0, 1}), weightScaleMap(getW(), getGamma(), 2, 0, 1)};
}

LogicalResult TernarizeByOp::inferReturnTypes(MLIRContext *ctx, std::optional<Location>, Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  types.push_back(withElement(cast<RankedTensorType>(adaptor.getW().getType()), IntegerType::get(ctx, 8)));
  return success();
}

LogicalResult TernarizeByOp::verify() { return verifyWeightScales(*this, getW(), getGamma()); } // ternarize_by-c1

SmallVector<Value> TernarizeByOp::decompose(ImplicitLocOpBuilder &b) { return {ternaryCodes(b, getW(), getGamma())}; }

SmallVector<AffineMap> TernarizeByOp::getIndexingMaps() {
  AffineMap full = projection(getContext(), 2, {0, 1});
  return {full, weightScaleMap(getW(), getGamma(), 2, 0, 1), full};
}

//===--- pack_panels -------------------------------------------------------------------------===//

LogicalResult PackPanelsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto t = cast<RankedTensorType>(adaptor.getT().getType());
  types.push_back(withShape(t, {t.getDimSize(0) / kPanelRows, t.getDimSize(1) / kWord, kPanelRows, kWord}));
  return success();
}

LogicalResult PackPanelsOp::verify() { // pack_panels-c1
  auto t = getT().getType();
  if (t.getDimSize(0) % kPanelRows || t.getDimSize(1) % kWord)
    return emitOpError("packs ") << t << ", which 16 outputs by 4 inputs do not divide";
  return success();
}

SmallVector<Value> PackPanelsOp::decompose(ImplicitLocOpBuilder &b) {
  MLIRContext *ctx = getContext();
  auto d = [&](unsigned i) { return getAffineDimExpr(i, ctx); };
  AffineMap from = AffineMap::get(4, 0, {d(0) * kPanelRows + d(2), d(1) * kWord + d(3)}, ctx);
  return {pointwise(b, getP().getType(), getT(), from,
                    [](ImplicitLocOpBuilder &s, ValueRange v) { return encode(s, Format::panels, v[0]); })};
}

SmallVector<AffineMap> PackPanelsOp::getIndexingMaps() {
  return {projection(getContext(), 2, {0, 1}), panelMap(getContext(), 2, 0, 1)};
}

DispatchClass PackPanelsOp::getDispatchClass() { return DispatchClass::pointwise; }

//===--- dequantize_rows, dequantize_weight --------------------------------------------------===//

/// codes ⊙ scales, with the scales indexed by `map`.
static Value rescale(ImplicitLocOpBuilder &b, Value codes, Value scales, AffineMap map) {
  RankedTensorType type = withElement(cast<RankedTensorType>(codes.getType()), getElementTypeOrSelf(scales));
  return pointwise(b, type, {codes, scales}, {b.getMultiDimIdentityMap(type.getRank()), map},
                   [](ImplicitLocOpBuilder &s, ValueRange v) {
                     return mul(s, decode(s, Format::int8, v[0], v[1].getType()), v[1]);
                   });
}

/// gamma·t, one gamma, from a matrix or panels.
static Value rescaleWhole(ImplicitLocOpBuilder &b, Value t, Value gamma) {
  RankedTensorType type = withElement(matrixOf(t), getElementTypeOrSelf(gamma));
  return pointwise(b, type, {t, gamma}, {codeMap(t, 2, 0, 1), projection(b.getContext(), 2, {})},
                   [&](ImplicitLocOpBuilder &s, ValueRange v) {
                     return mul(s, decode(s, formatOfCodes(t), v[0], v[1].getType()), v[1]);
                   });
}

LogicalResult DequantizeRowsOp::verify() { return verifyRowScales(*this, getQ(), getS()); } // dequantize_rows-c1

SmallVector<Value> DequantizeRowsOp::decompose(ImplicitLocOpBuilder &b) {
  return {rescale(b, getQ(), getS(), projection(getContext(), 2, {0}))};
}

LogicalResult DequantizeRowsOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  ct.add(b, getQ(), ct.of(getX()));
  return success();
}

Value DequantizeRowsOp::buildOnValues(OpBuilder &, llvm::function_ref<Value(Value)> valueOf) { return valueOf(getQ()); }

LogicalResult DequantizeWeightOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                   SmallVectorImpl<Type> &types) {
  types.push_back(withElement(matrixOf(adaptor.getT()), getElementTypeOrSelf(adaptor.getGamma())));
  return success();
}

LogicalResult DequantizeWeightOp::verify() { // dequantize_weight-c1
  return verifyWeightScales(*this, getT(), getGamma());
}

SmallVector<Value> DequantizeWeightOp::decompose(ImplicitLocOpBuilder &b) {
  auto scales = cast<RankedTensorType>(getGamma().getType());
  if (scales.getRank() == 0)
    return {rescaleWhole(b, getT(), getGamma())};
  Value t = splitGroups(b, getT(), scales.getDimSize(1));
  return {joinGroups(b, rescale(b, t, getGamma(), projection(getContext(), 3, {0, 1})))};
}

SmallVector<AffineMap> DequantizeWeightOp::getIndexingMaps() {
  AffineMap full = projection(getContext(), 2, {0, 1});
  return {codeMap(getT(), 2, 0, 1), weightScaleMap(getT(), getGamma(), 2, 0, 1), full};
}

LogicalResult DequantizeWeightOp::buildVJP(ImplicitLocOpBuilder &b, Cotangents &ct) {
  ct.add(b, getT(), ct.of(getW()));
  return success();
}

Value DequantizeWeightOp::buildOnValues(OpBuilder &, llvm::function_ref<Value(Value)> valueOf) {
  return valueOf(getT());
}
