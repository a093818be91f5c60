// Products of codes that are scaled in blocks along what is summed over.
#include "dialect/ops/quantize/Fp4.h"
#include "dialect/ops/quantize/Quantize.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult BlockMatmulOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  RankedTensorType a = typeOf(adaptor.getA()), b = matrixOf(adaptor.getB());
  int64_t rows = a.getDimSize(adaptor.getTransA()), columns = b.getDimSize(!adaptor.getTransB());
  types.push_back(RankedTensorType::get({rows, columns}, typeOf(adaptor.getFactor()).getElementType()));
  return success();
}

Format BlockMatmulOp::getFormatOfB() {
  bool isInPanels = typeOf(getB()).getRank() > 2;
  return isInPanels && getBScales() ? Format::offset : formatOfCodes(getB());
}

bool BlockMatmulOp::hasScalesAcrossB() { return !getTransB() || typeOf(getB()).getRank() > 2; }

LogicalResult BlockMatmulOp::verify() {
  RankedTensorType a = getA().getType(), b = matrixOf(getB());
  int64_t left = a.getDimSize(!getTransA()), right = b.getDimSize(getTransB());
  if (left != right) // block_matmul-c1
    return emitOpError("contracts ") << left << " codes of " << a << " with " << right << " of " << b;
  if (left % getBlock()) // block_matmul-c2
    return emitOpError("sums over ") << left << " codes, which blocks of " << getBlock() << " do not divide";
  if (!getAScales() && !getBScales()) // block_matmul-c3
    return emitOpError("has no scales");
  auto check = [&](Value scales, RankedTensorType codes, unsigned axis, bool isAcross) -> LogicalResult {
    SmallVector<int64_t> expected = shapeOfScales(codes.getShape(), axis, getBlock());
    if (isAcross != (axis == 0))
      std::swap(expected[0], expected[1]);
    if (!scales || typeOf(scales).getShape() == ArrayRef(expected))
      return success();
    return emitOpError("has scales ") << scales.getType() << " of codes " << codes << "; there are " << expected[0]
                                      << " x " << expected[1] << " blocks of " << getBlock();
  };
  if (failed(check(getAScales(), a, !getTransA(), getTransA()))) // block_matmul-c4
    return failure();
  return check(getBScales(), b, getTransB(), hasScalesAcrossB());
}

DispatchClass BlockMatmulOp::getDispatchClass() { return DispatchClass::gemm; }

SmallVector<AffineMap> BlockMatmulOp::getIndexingMaps() {
  MLIRContext *ctx = getContext();
  AffineExpr m = getAffineDimExpr(0, ctx), n = getAffineDimExpr(1, ctx), k = getAffineDimExpr(2, ctx);
  auto at = [&](bool transposed, AffineExpr x, AffineExpr along) {
    return AffineMap::get(3, 0, transposed ? ArrayRef{along, x} : ArrayRef{x, along}, ctx);
  };
  SmallVector<AffineMap> maps{at(getTransA(), m, k)};
  if (getAScales())
    maps.push_back(at(getTransA(), m, k.floorDiv(getBlock())));
  maps.push_back(codeMap(getB(), 3, getTransB() ? 1 : 2, getTransB() ? 2 : 1));
  if (getBScales())
    maps.push_back(at(hasScalesAcrossB(), n, k.floorDiv(getBlock())));
  maps.append({projection(ctx, 3, {}), projection(ctx, 3, {0, 1})});
  return maps;
}

SmallVector<Value> BlockMatmulOp::decompose(ImplicitLocOpBuilder &b) {
  MLIRContext *ctx = getContext();
  RankedTensorType type = getY().getType(), ofA = getA().getType();
  int64_t M = type.getDimSize(0), N = type.getDimSize(1), block = getBlock();
  int64_t blocks = ofA.getDimSize(!getTransA()) / block;
  // Loops m, n, block, k within it.
  SmallVector<int64_t> shape{M, blocks, block};
  SmallVector<ReassociationIndices> groups{{0}, {1, 2}};
  AffineMap mapOfA = projection(ctx, 4, {0, 2, 3});
  if (getTransA())
    shape = {blocks, block, M}, groups = {{0, 1}, {2}}, mapOfA = projection(ctx, 4, {2, 3, 0});
  Value a = tensor::ExpandShapeOp::create(b, withShape(ofA, shape), getA(), groups);
  auto d = [&](unsigned i) { return getAffineDimExpr(i, ctx); };
  AffineMap whole = AffineMap::get(4, 0, {d(0), d(1), d(2) * block + d(3)}, ctx);
  AffineMap mapOfB = codeMap(getB(), 3, getTransB() ? 1 : 2, getTransB() ? 2 : 1).compose(whole);
  Type i32 = b.getI32Type();
  Value sums = reduce(b, RankedTensorType::get({M, N, blocks}, i32), 4, {0, 1, 2}, 0.0, {a, getB()}, {mapOfA, mapOfB},
                      [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                        Value x = decode(s, Format::int8, v[0], i32), y = decode(s, getFormatOfB(), v[1], i32);
                        return arith::AddIOp::create(s, v[2], arith::MulIOp::create(s, x, y));
                      });
  SmallVector<Value> ins{sums};
  SmallVector<AffineMap> maps{b.getMultiDimIdentityMap(3)};
  auto addScales = [&](Value scales, unsigned x, bool blocksFirst) {
    if (!scales)
      return;
    ins.push_back(scales);
    maps.push_back(blocksFirst ? projection(ctx, 3, {2, x}) : projection(ctx, 3, {x, 2}));
  };
  addScales(getAScales(), 0, getTransA());
  addScales(getBScales(), 1, hasScalesAcrossB());
  Value y = reduce(b, type, 3, {0, 1}, 0.0, ins, maps, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    Value scale, sum = arith::SIToFPOp::create(s, type.getElementType(), v[0]);
    for (auto [stored, value] : llvm::zip(ValueRange(ins).drop_front(), v.drop_front())) {
      Value own = decode(s, scaleFormatOf(stored.getType()), value, type.getElementType());
      scale = scale ? mul(s, scale, own) : own;
    }
    return add(s, v.back(), mul(s, sum, scale));
  });
  return {pointwise(b, type, {y, getFactor()}, {b.getMultiDimIdentityMap(2), projection(ctx, 2, {})},
                    [](ImplicitLocOpBuilder &s, ValueRange v) { return mul(s, v[0], v[1]); })};
}
