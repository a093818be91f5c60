// The order in which floats are added up along the last dimension: 16 lanes, then one tree.
//
// Emitted kernels of every vector width add up rows like this (lib/Targets/kernels/Rowwise.cpp). A
// reference that used another order would differ in the last bit, and a code rounded from that in all.
#include "dialect/Linalg.h"
#include "lib/Reference/Passes.h"
#include "lib/Targets/kernels/Team.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_LANESUMSPASS
#include "lib/Reference/Passes.h.inc"

namespace {
/// Rewrites one sum.
class LaneSum {
public:
  LaneSum(linalg::GenericOp sum, IRRewriter &rewriter) : sum(sum), b(rewriter), loc(sum.getLoc()) {}

  bool applies();
  void rewrite();

private:
  Value addTerms(Value lanes, int64_t offset, int64_t steps);
  Value slice(Value lanes, int64_t offset, int64_t width, bool drops);
  Value write(Value part, Value lanes);
  Value add(Value x, Value y);
  SmallVector<OpFoldResult> sizes(int64_t width) const {
    SmallVector<int64_t> shape(outShape);
    shape.push_back(width);
    return getAsIndexOpFoldResult(b.getContext(), shape);
  }

  linalg::GenericOp sum;
  IRRewriter &b;
  Location loc;
  ArrayRef<int64_t> outShape;
  Type element;
  AffineMap outMap;
  int64_t extent = 0; // of the last loop
};
} // namespace

bool LaneSum::applies() {
  unsigned last = sum.getNumLoops() - 1;
  if (sum.getNumLoops() == 0 || sum.getNumDpsInits() != 1 || sum->getNumResults() != 1 || sum.hasIndexSemantics() ||
      sum.getIteratorTypesArray()[last] != utils::IteratorType::reduction)
    return false;
  Operation *combiner = sum.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::AddFOp>(combiner) ||
      !llvm::is_contained(combiner->getOperands(), sum.getRegionOutputArgs()[0]) ||
      !sum.getRegionOutputArgs()[0].hasOneUse())
    return false;
  // Products of matrices have orders of their own, which no code is rounded from.
  auto dims = linalg::inferContractionDims(sum);
  if (succeeded(dims) && !dims->m.empty() && !dims->n.empty())
    return false;
  outMap = sum.getMatchingIndexingMap(sum.getDpsInitOperand(0));
  outShape = cast<RankedTensorType>(sum.getResult(0).getType()).getShape();
  element = getElementTypeOrSelf(sum.getResult(0).getType());
  extent = sum.getStaticLoopRanges()[last];
  // With several reduced loops and a rest, lanes would need both in one loop: rare, and left as it is.
  return outMap.isProjectedPermutation() && !ShapedType::isDynamic(extent) && extent > 1 &&
         (sum.getNumReductionLoops() == 1 || extent % kSumLanes == 0);
}

/// Adds the terms at offset + 16·i + lane for i < `steps` to each lane.
Value LaneSum::addTerms(Value lanes, int64_t offset, int64_t steps) {
  MLIRContext *ctx = b.getContext();
  unsigned loops = sum.getNumLoops(); // the last becomes two: step and lane
  AffineExpr step = getAffineDimExpr(loops - 1, ctx), lane = getAffineDimExpr(loops, ctx);
  SmallVector<AffineExpr> dims;
  for (unsigned d = 0; d + 1 < loops; ++d)
    dims.push_back(getAffineDimExpr(d, ctx));
  dims.push_back(step * kSumLanes + lane + offset);
  SmallVector<AffineMap> maps;
  SmallVector<Value> inputs(sum.getInputs());
  for (OpOperand *input : sum.getDpsInputOperands())
    maps.push_back(sum.getMatchingIndexingMap(input).replaceDimsAndSymbols(dims, {}, loops + 1, 0));
  // Loop bounds are read off operands: this one has that of the steps.
  inputs.push_back(tensor::EmptyOp::create(b, loc, {steps}, element));
  maps.push_back(AffineMap::get(loops + 1, 0, step));
  SmallVector<AffineExpr> out;
  for (AffineExpr expr : outMap.getResults())
    out.push_back(expr);
  out.push_back(lane);
  maps.push_back(AffineMap::get(loops + 1, 0, out, ctx));
  SmallVector<utils::IteratorType> iterators = sum.getIteratorTypesArray();
  iterators.push_back(utils::IteratorType::parallel);
  auto op = linalg::GenericOp::create(b, loc, lanes.getType(), inputs, lanes, maps, iterators);
  IRMapping map;
  sum.getRegion().cloneInto(&op.getRegion(), map);
  op.getBody()->insertArgument(inputs.size() - 1, element, loc);
  return op.getResult(0);
}

/// `width` of the lanes from `offset` on; a single one as the tensor of results if it `drops` the dim.
Value LaneSum::slice(Value lanes, int64_t offset, int64_t width, bool drops) {
  SmallVector<OpFoldResult> offsets(outShape.size(), b.getIndexAttr(0)),
      strides(outShape.size() + 1, b.getIndexAttr(1));
  offsets.push_back(b.getIndexAttr(offset));
  SmallVector<int64_t> shape(outShape);
  if (!drops)
    shape.push_back(width);
  return tensor::ExtractSliceOp::create(b, loc, RankedTensorType::get(shape, element), lanes, offsets, sizes(width),
                                        strides);
}

Value LaneSum::write(Value part, Value lanes) {
  int64_t width = cast<RankedTensorType>(part.getType()).getShape().back();
  SmallVector<OpFoldResult> offsets(outShape.size() + 1, b.getIndexAttr(0)),
      strides(outShape.size() + 1, b.getIndexAttr(1));
  return tensor::InsertSliceOp::create(b, loc, part, lanes, offsets, sizes(width), strides);
}

Value LaneSum::add(Value x, Value y) {
  ImplicitLocOpBuilder at(loc, b);
  return pointwise(at, {x, y}, [](ImplicitLocOpBuilder &s, ValueRange v) { return nanochat::add(s, v[0], v[1]); });
}

void LaneSum::rewrite() {
  b.setInsertionPoint(sum);
  SmallVector<int64_t> shape(outShape);
  shape.push_back(kSumLanes);
  Value neutral = arith::ConstantOp::create(b, loc, b.getFloatAttr(element, -0.0));
  Value empty = tensor::EmptyOp::create(b, loc, shape, element);
  Value lanes = linalg::FillOp::create(b, loc, neutral, empty).getResult(0);
  int64_t steps = extent / kSumLanes, rest = extent % kSumLanes;
  if (steps)
    lanes = addTerms(lanes, 0, steps);
  if (rest)
    lanes = write(addTerms(slice(lanes, 0, rest, false), steps * kSumLanes, 1), lanes);
  for (int64_t half = kSumLanes / 2; half; half /= 2)
    lanes = add(slice(lanes, 0, half, false), slice(lanes, half, half, false));
  b.replaceOp(sum, add(sum.getDpsInits()[0], slice(lanes, 0, 1, true)));
}

void sumInLanes(Operation *root) {
  IRRewriter rewriter(root->getContext());
  SmallVector<linalg::GenericOp> sums;
  root->walk([&](linalg::GenericOp op) { sums.push_back(op); });
  for (linalg::GenericOp op : sums)
    if (LaneSum sum(op, rewriter); sum.applies())
      sum.rewrite();
}

namespace {
struct LaneSumsPass : impl::LaneSumsPassBase<LaneSumsPass> {
  void runOnOperation() override { sumInLanes(getOperation()); }
};
} // namespace
} // namespace mlir::nanochat
