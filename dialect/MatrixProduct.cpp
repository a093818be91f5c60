#include "dialect/MatrixProduct.h"
#include "dialect/ops/quantize/Fp4.h"
#include "dialect/ops/quantize/Quantize.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::nanochat;

static AffineMap resultMap(linalg::GenericOp op) { return op.getMatchingIndexingMap(op.getDpsInitOperand(0)); }

bool MatrixProduct::isOfMatrices() const {
  return !s || resultMap(cast<linalg::GenericOp>(op)).getDimPosition(0) == *s;
}

/// Whether the elements of `value` at `map` lie contiguously along `dim`, judged by the first stored
/// matrix it is made from; unknown counts as yes.
static bool isContiguous(Value value, AffineMap map, unsigned dim) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op)
    return map.getNumResults() == 0 || !isa<BlockArgument>(value) || map.getResults().back().isFunctionOfDim(dim);
  for (OpOperand *operand : op.getDpsInputOperands()) {
    AffineMap inner = op.getMatchingIndexingMap(operand);
    if (inner.getNumResults() >= 2 && inner.getNumDims() == map.getNumResults())
      return isContiguous(operand->get(), inner.compose(map), dim);
  }
  return true;
}

namespace {
/// An element of an input, as the body reads it.
struct Element {
  BlockArgument argument;
  Format format;
};
} // namespace

/// What `value`, a factor of a multiplication, is the decoded element of.
static std::optional<Element> matchElement(Value value) {
  auto coded = matchDecoded(value);
  auto argument = coded ? dyn_cast<BlockArgument>(coded->element) : BlockArgument();
  return argument ? std::optional(Element{argument, coded->format}) : std::nullopt;
}

/// The elements of both inputs, in their order, if the body is acc + x·y.
static std::optional<std::pair<Element, Element>> matchBody(linalg::GenericOp op) {
  Operation *sum = op.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  Value acc = op.getRegionOutputArgs()[0];
  if (!isa_and_nonnull<arith::AddFOp, arith::AddIOp>(sum) || !acc.hasOneUse() ||
      !llvm::is_contained(sum->getOperands(), acc))
    return std::nullopt;
  Type type = acc.getType();
  if (!type.isF32() && !type.isF64() && !type.isInteger(32))
    return std::nullopt;
  Operation *product = sum->getOperand(sum->getOperand(0) == acc).getDefiningOp();
  if (!isa_and_nonnull<arith::MulFOp, arith::MulIOp>(product))
    return std::nullopt;
  auto x = matchElement(product->getOperand(0)), y = matchElement(product->getOperand(1));
  auto inputs = op.getRegionInputArgs();
  if (!x || !y || x->argument == y->argument || !llvm::is_contained(inputs, x->argument) ||
      !llvm::is_contained(inputs, y->argument))
    return std::nullopt;
  if (x->argument != inputs[0])
    std::swap(x, y);
  return std::make_pair(*x, *y);
}

static MatrixProduct productOf(BlockMatmulOp op) {
  MatrixProduct p;
  SmallVector<AffineMap> maps = op.getIndexingMaps();
  RankedTensorType a = op.getA().getType(), y = op.getY().getType();
  p.op = op, p.m = 0, p.n = 1, p.k = 2, p.sum = IntegerType::get(op.getContext(), 32), p.block = op.getBlock(),
  p.limit = op.getLimit();
  p.M = y.getDimSize(0), p.N = y.getDimSize(1), p.K = a.getDimSize(!op.getTransA());
  AffineMap ofB = maps[1 + bool(op.getAScales())];
  p.a = {&op.getAMutable(), maps[0], p.m, Format::int8, !op.getTransA(), op.getAScales(), op.getTransA()};
  p.b = {&op.getBMutable(),    ofB, p.n, op.getFormatOfB(), isContiguous(op.getB(), ofB, p.k), op.getBScales(),
         op.hasScalesAcrossB()};
  return p;
}

/// Of pairs: k counts bytes.
static MatrixProduct productOf(Fp4MatmulOp op) {
  MatrixProduct p;
  SmallVector<AffineMap> maps = op.getIndexingMaps();
  RankedTensorType a = op.getA().getType(), y = op.getY().getType();
  p.op = op, p.m = 0, p.n = 1, p.k = 2, p.sum = y.getElementType(), p.block = factsOf(op.getFormat()).block / 2;
  p.M = y.getDimSize(0), p.N = y.getDimSize(1), p.K = a.getDimSize(1);
  p.a = {&op.getAMutable(), maps[0], p.m, Format::e2m1, true, op.getAScales()};
  p.b = {&op.getBMutable(), maps[1 + bool(op.getAScales())], p.n, Format::e2m1, true, op.getBScales()};
  return p;
}

std::optional<MatrixProduct> mlir::nanochat::matchProduct(Operation *operation) {
  if (auto blocks = dyn_cast_or_null<BlockMatmulOp>(operation))
    return productOf(blocks);
  if (auto pairs = dyn_cast_or_null<Fp4MatmulOp>(operation))
    return productOf(pairs);
  auto op = dyn_cast_or_null<linalg::GenericOp>(operation);
  if (!op || !op.hasPureTensorSemantics() || op.getNumReductionLoops() != 1 || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1)
    return std::nullopt;
  AffineMap out = resultMap(op), maps[2] = {op.getIndexingMapsArray()[0], op.getIndexingMapsArray()[1]};
  unsigned loops = op.getNumLoops();
  if ((loops != 3 && loops != 4) || !out.isProjectedPermutation() || out.getNumResults() != loops - 1)
    return std::nullopt;
  auto elements = matchBody(op);
  if (!elements)
    return std::nullopt;
  SmallVector<unsigned> reduced, own; // loops that one factor has, in the order of the result
  op.getReductionDims(reduced);
  MatrixProduct p;
  p.op = op, p.k = reduced[0], p.sum = op.getRegionOutputArgs()[0].getType();
  for (AffineExpr result : out.getResults()) {
    unsigned loop = cast<AffineDimExpr>(result).getPosition();
    if (maps[0].isFunctionOfDim(loop) != maps[1].isFunctionOfDim(loop))
      own.push_back(loop);
    else if (maps[0].isFunctionOfDim(loop))
      p.s = loop;
  }
  bool isAFirst = own.size() == 2 && maps[0].isFunctionOfDim(own[0]);
  if (own.size() != 2 || maps[isAFirst].isFunctionOfDim(own[0]) || !maps[isAFirst].isFunctionOfDim(own[1]) ||
      p.s.has_value() != (loops == 4) || !maps[0].isFunctionOfDim(p.k) || !maps[1].isFunctionOfDim(p.k))
    return std::nullopt;
  p.m = own[0], p.n = own[1];
  auto factor = [&](unsigned number, unsigned x) {
    OpOperand *operand = op.getDpsInputOperand(number);
    return Factor{operand, maps[number], x, number ? elements->second.format : elements->first.format,
                  isContiguous(operand->get(), maps[number], p.k)};
  };
  p.a = factor(!isAFirst, p.m), p.b = factor(isAFirst, p.n);
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  p.M = sizes[p.m], p.N = sizes[p.n], p.K = sizes[p.k], p.S = p.s ? sizes[*p.s] : 1;
  return p;
}
