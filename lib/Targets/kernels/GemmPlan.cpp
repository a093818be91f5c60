#include "lib/Targets/kernels/GemmPlan.h"
#include "dialect/ops/quantize/Quantize.h"

using namespace mlir;
using namespace mlir::nanochat;

FailureOr<MatrixProduct> nanochat::matchKernel(func::FuncOp kernel) {
  if (!kernel.getBody().hasOneBlock())
    return decline(kernel, "its body has several blocks");
  auto isSum = [](Operation &op) {
    auto generic = dyn_cast<linalg::GenericOp>(op);
    return generic ? generic.getNumReductionLoops() > 0 : matchProduct(&op).has_value();
  };
  auto sums = llvm::make_filter_range(kernel.front(), isSum);
  auto product = llvm::hasSingleElement(sums) ? matchProduct(&*sums.begin()) : std::nullopt;
  if (!product || !product->isOfMatrices())
    return decline(kernel, "it is not one matrix product of two stored or pointwise factors");
  if (product->sum.isF64())
    return decline(kernel, "products of f64 are the reference's");
  // Codes of weights in panels are read where they are stored, as columns.
  bool inPanels = isa<BlockArgument>(product->b.tensor()) && matchPanels(product->b.map).has_value();
  if (isOfPanels(product->a.format) || isOfPanels(product->b.format) != (inPanels && !product->isFloat()))
    return decline(kernel, "codes in panels are not the columns of an integer product");
  return *product;
}

/// How many groups of four products of bytes have sums of two in 16 bits: b's elements are without sign.
static int64_t stepsOf(const MatrixProduct &c) {
  int64_t largest = c.b.format == Format::panels ? 2 : 128 + c.limit;
  return INT16_MAX / (2 * c.limit * largest);
}

std::optional<GemmPlan> nanochat::planGemm(const MatrixProduct &c, const CpuFacts &facts) {
  GemmPlan p;
  p.lanes = facts.vectorBits / 32;
  p.vnni = !c.isFloat() && facts.vnni;
  // Without VNNI, bytes pay where sums of 16 bits are long enough.
  constexpr int64_t leastSteps = 8;
  bool areBytes = !c.isFloat() && !c.isAny(Format::int16);
  p.steps = p.vnni || !areBytes ? 0 : stepsOf(c);
  p.bytes = areBytes && (p.vnni || p.steps >= std::max(leastSteps, c.block / 4));
  p.halves = c.areBoth(Format::bf16) && facts.bf16;
  p.per = p.bytes ? 4 : c.isFloat() && !p.halves ? 1 : 2;
  p.perBlock = c.block / p.per;
  if (c.block % p.per || (p.perBlock && p.lanes % p.perBlock && p.perBlock % p.lanes))
    return std::nullopt;
  // As many accumulators as registers allow beside a row of b and two for a; blocks have one more of floats for each.
  bool wide = facts.vectorRegisters >= 32;
  p.tileM = c.block ? (wide ? 4 : 2) : p.bytes && !p.vnni ? 4 : wide ? 8 : p.per == 2 ? 4 : 6;
  p.tileVectors = wide ? 3 : 2;
  p.panel = p.tileVectors * p.lanes;
  p.wholePanels = c.N / p.panel;
  int64_t panels = llvm::divideCeil(c.N, p.panel);

  int64_t unit = p.unit(), enough = 16;
  p.blockM = std::max<int64_t>(512 / unit, 1) * unit;
  // Every group packs a again, every block b: codes of gradients are made while a is packed, which costs more.
  bool makesCodes = !c.isFloat() && !c.a.alongK;
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
  int64_t wholeBlocks = std::max(p.lanes, p.perBlock);
  p.blockK = passes == 1 ? p.kGroups : llvm::alignTo(llvm::divideCeil(p.kGroups, passes), wholeBlocks);
  return p;
}
