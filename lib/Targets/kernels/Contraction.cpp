#include "lib/Targets/kernels/Contraction.h"
#include "dialect/ops/quantize/Quantize.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Whether the elements of `value` at `map` lie contiguously along `dim`, judged by the first stored
/// matrix it is made from; unknown counts as yes.
static bool isContiguous(Value value, AffineMap map, unsigned dim) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op)
    return map.getNumResults() == 0 || !isa<BlockArgument>(value) ||
           map.getResults().back().isFunctionOfDim(dim);
  for (OpOperand *operand : op.getDpsInputOperands()) {
    AffineMap inner = op.getMatchingIndexingMap(operand);
    if (inner.getNumResults() >= 2 && inner.getNumDims() == map.getNumResults())
      return isContiguous(operand->get(), inner.compose(map), dim);
  }
  return true;
}

/// The block argument behind a factor of the multiplication, or null; of bytes in panels one is subtracted.
static BlockArgument factorOf(Value value, bool isFloat) {
  if (isFloat) {
    auto wide = value.getDefiningOp<arith::ExtFOp>();
    Value narrow = wide && isa<BFloat16Type, Float8E4M3FNType>(wide.getIn().getType()) ? wide.getIn() : value;
    return value.getType().isF32() ? dyn_cast<BlockArgument>(narrow) : nullptr;
  }
  if (auto minus = value.getDefiningOp<arith::SubIOp>(); minus && matchPattern(minus.getRhs(), m_One()))
    if (auto code = minus.getLhs().getDefiningOp<arith::ExtUIOp>(); code && code.getIn().getType().isInteger(8))
      return dyn_cast<BlockArgument>(code.getIn());
  auto extended = value.getDefiningOp<arith::ExtSIOp>();
  if (!extended || extended.getIn().getType().getIntOrFloatBitWidth() > 16 || !value.getType().isInteger(32))
    return nullptr;
  return dyn_cast<BlockArgument>(extended.getIn());
}

/// Whether the body is acc + x·y of the two inputs.
static bool multipliesAndAdds(linalg::GenericOp op, bool &isFloat) {
  Operation *sum = op.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  isFloat = isa_and_nonnull<arith::AddFOp>(sum);
  if (!isFloat && !isa_and_nonnull<arith::AddIOp>(sum))
    return false;
  Value acc = op.getRegionOutputArgs()[0];
  if (!acc.hasOneUse() || !llvm::is_contained(sum->getOperands(), acc))
    return false;
  Operation *product = sum->getOperand(sum->getOperand(0) == acc).getDefiningOp();
  if (!isa_and_nonnull<arith::MulFOp, arith::MulIOp>(product))
    return false;
  BlockArgument x = factorOf(product->getOperand(0), isFloat);
  BlockArgument y = factorOf(product->getOperand(1), isFloat);
  return x && y && x != y && x.getArgNumber() < 2 && y.getArgNumber() < 2;
}

FailureOr<Contraction> nanochat::matchContraction(func::FuncOp kernel) {
  Contraction c;
  for (auto op : kernel.front().getOps<linalg::GenericOp>()) {
    if (!op.getNumReductionLoops())
      continue;
    if (c.op)
      return failure();
    c.op = op;
  }
  unsigned loops = c.op ? c.op.getNumLoops() : 0;
  if ((loops != 3 && loops != 4) || c.op.getNumReductionLoops() != 1 ||
      c.op.getNumDpsInputs() != 2 || c.op->getNumResults() != 1)
    return failure();
  AffineMap out = c.op.getMatchingIndexingMap(c.op.getDpsInitOperand(0));
  if (!out.isProjectedPermutation() || out.getNumResults() != loops - 1 ||
      !multipliesAndAdds(c.op, c.isFloat))
    return failure();
  SmallVector<unsigned> reduced;
  c.op.getReductionDims(reduced);
  c.m = out.getDimPosition(loops - 3);
  c.n = out.getDimPosition(loops - 2);
  c.k = reduced[0];
  SmallVector<int64_t> sizes = c.op.getStaticLoopRanges();
  if (loops == 4) {
    c.s = out.getDimPosition(0);
    c.S = sizes[*c.s];
  }
  c.M = sizes[c.m], c.N = sizes[c.n], c.K = sizes[c.k];
  auto factor = [&](int64_t number, unsigned x) {
    OpOperand *operand = c.op.getDpsInputOperand(number);
    AffineMap map = c.op.getMatchingIndexingMap(operand);
    // Codes are read as such where they are subtracted from, which is in panels only.
    bool isCoded = !c.isFloat && llvm::any_of(c.op.getMatchingBlockArgument(operand).getUsers(),
                                              [](Operation *user) { return isa<arith::ExtUIOp>(user); });
    return Factor{operand->get(), map, x, isContiguous(operand->get(), map, c.k), isCoded};
  };
  c.isWide = llvm::any_of(c.op.getDpsInputs(), [](Value factor) { return getElementTypeOrSelf(factor).isInteger(16); });
  c.isE4M3 = llvm::any_of(c.op.getDpsInputs(), [](Value factor) { return isa<Float8E4M3FNType>(getElementTypeOrSelf(factor)); });
  c.isHalf = llvm::all_of(c.op.getDpsInputs(), [](Value factor) { return getElementTypeOrSelf(factor).isBF16(); });
  bool swapped = c.op.getIndexingMapsArray()[0].isFunctionOfDim(c.n);
  c.a = factor(swapped, c.m);
  c.b = factor(!swapped, c.n);
  bool isSliced = !c.s || (c.a.map.isFunctionOfDim(*c.s) && c.b.map.isFunctionOfDim(*c.s));
  if (c.a.map.isFunctionOfDim(c.n) || c.b.map.isFunctionOfDim(c.m) || !isSliced)
    return failure();
  bool inPanels = isa<BlockArgument>(c.b.tensor) && matchPanels(c.b.map).has_value();
  if (c.a.isCoded || c.b.isCoded != (inPanels && !c.isFloat))
    return failure();
  return c;
}

GemmPlan nanochat::planGemm(const Contraction &c, const CpuFacts &facts) {
  GemmPlan p;
  p.lanes = facts.vectorBits / 32;
  p.vnni = !c.isFloat && facts.vnni;
  p.bytes = p.vnni && !c.isWide;
  p.halves = c.isHalf && facts.bf16;
  p.per = p.bytes ? 4 : c.isFloat && !p.halves ? 1 : 2;
  // As many accumulators as registers allow beside a row of b and two for a.
  bool wide = facts.vectorRegisters >= 32;
  p.tileM = wide ? 8 : p.per == 2 ? 4 : 6;
  p.tileVectors = wide ? 3 : 2;
  p.panel = p.tileVectors * p.lanes;
  p.wholePanels = c.N / p.panel;
  int64_t panels = llvm::divideCeil(c.N, p.panel);

  int64_t unit = p.unit(), enough = 16;
  p.blockM = std::max<int64_t>(512 / unit, 1) * unit;
  // Every group packs a again, every block b: wide codes are made while a is packed, which costs more.
  bool makesCodes = c.isWide && !c.a.alongK;
  p.groupPanels = std::min<int64_t>(makesCodes ? 16 : 8, panels);
  auto count = [&] {
    p.mBlocks = llvm::divideCeil(c.M, p.blockM);
    p.groups = llvm::divideCeil(panels, p.groupPanels);
    return p.tasks();
  };
  auto shorten = [&] {
    while (count() < enough && p.blockM > 4 * unit && c.M > p.blockM / 2)
      p.blockM = p.blockM / 2 / unit * unit;
  };
  if (makesCodes)
    shorten();
  while (count() < enough && p.groupPanels > 1)
    p.groupPanels /= 2;
  shorten();
  // Blocks of about equal height, so that threads with equally many tasks work equally long.
  p.blockM = llvm::alignTo(llvm::divideCeil(c.M, p.mBlocks), unit);

  // A tile of a leaves a quarter of the first-level cache to the panel that streams through it.
  p.kGroups = llvm::divideCeil(c.K, p.per);
  int64_t most = std::max<int64_t>(p.lanes, facts.l1Bytes * 3 / 4 / (p.tileM * 4));
  int64_t passes = llvm::divideCeil(p.kGroups, most);
  p.blockK = passes == 1 ? p.kGroups
                         : llvm::alignTo(llvm::divideCeil(p.kGroups, passes), p.lanes);
  return p;
}
