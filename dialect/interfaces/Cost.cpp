#include "dialect/interfaces/Cost.h"
#include "dialect/Linalg.h"
#include "dialect/MatrixProduct.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::nanochat;

SmallVector<utils::IteratorType> LoopLetters::getTypes() const {
  SmallVector<utils::IteratorType> types;
  for (auto [i, c] : llvm::enumerate(loops))
    if (llvm::isAlpha(c))
      types.push_back(i && !llvm::isAlpha(loops[i - 1]) ? utils::IteratorType::reduction
                                                        : utils::IteratorType::parallel);
  return types;
}

SmallVector<ReductionKind> LoopLetters::getKinds() const {
  SmallVector<ReductionKind> kinds;
  for (char c : loops)
    if (!llvm::isAlpha(c))
      kinds.push_back(c == '+' ? ReductionKind::Sum : ReductionKind::Generic);
  return kinds;
}

SmallVector<AffineMap> LoopLetters::getMaps(MLIRContext *ctx, OperandsOf operandsOf) const {
  std::string names = loops.str();
  llvm::erase_if(names, [](char c) { return !llvm::isAlpha(c); });
  auto mapOf = [&](StringRef dims) {
    auto at = [&](char c) {
      return c == '0' ? getAffineConstantExpr(0, ctx) : getAffineDimExpr(unsigned(names.find(c)), ctx);
    };
    return AffineMap::get(names.size(), 0, llvm::map_to_vector(dims, at), ctx);
  };
  SmallVector<AffineMap> maps;
  for (auto [i, dims] : llvm::enumerate(operands))
    maps.append(operandsOf(i).size(), mapOf(dims));
  for (StringRef dims : results)
    maps.push_back(mapOf(dims));
  return maps;
}

void LoopLetters::inferTypes(OperandsOf operandsOf, SmallVectorImpl<Type> &types) const {
  llvm::SmallDenseMap<char, int64_t> sizes;
  Type element;
  for (auto [i, dims] : llvm::enumerate(operands))
    for (Value operand : operandsOf(i)) {
      RankedTensorType type = typeOf(operand);
      if (!element && isa<FloatType>(type.getElementType()))
        element = type.getElementType();
      for (auto [dim, size] : llvm::zip_equal(dims, type.getShape()))
        sizes.try_emplace(dim, size);
    }
  for (StringRef dims : results)
    types.push_back(RankedTensorType::get(llvm::map_to_vector(dims, [&](char c) { return sizes[c]; }), element));
}

static int64_t elements(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getNumElements() : 1;
}

int64_t mlir::nanochat::iterationPoints(Operation *op) {
  int64_t largest = 0;
  for (Value v : op->getResults())
    largest = std::max(largest, elements(v));
  auto space = dyn_cast<shard::ShardingInterface>(op);
  if (!space)
    return largest;
  SmallVector<int64_t> extents(space.getLoopIteratorTypes().size(), 1);
  SmallVector<Value> values(op->getOperands());
  llvm::append_range(values, op->getResults());
  for (auto [map, value] : llvm::zip(space.getIndexingMaps(), values)) {
    if (!isa<RankedTensorType>(value.getType()))
      continue;
    for (auto [dim, size] : llvm::zip(map.getResults(), cast<RankedTensorType>(value.getType()).getShape()))
      if (auto d = dyn_cast<AffineDimExpr>(dim))
        extents[d.getPosition()] = std::max(extents[d.getPosition()], size);
  }
  int64_t points = 1;
  for (int64_t extent : extents) // A norm over all gradients has as many loops as they have dimensions.
    if (__builtin_mul_overflow(points, extent, &points))
      return std::numeric_limits<int64_t>::max();
  return points;
}

/// Two per point of the loops of a product, else what the body computes; conversions count nothing.
static int64_t getBodyFlops(linalg::GenericOp op) {
  int64_t flops = 2;
  if (!matchProduct(op))
    flops = llvm::count_if(op.getBody()->without_terminator(), [](Operation &inner) {
      return OpTrait::hasElementwiseMappableTraits(&inner) && !isa<CastOpInterface>(inner);
    });
  for (int64_t size : op.getStaticLoopRanges())
    flops *= size;
  return flops;
}

int64_t mlir::nanochat::getFlops(Operation *op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return getBodyFlops(generic);
  if (auto cost = dyn_cast<CostOpInterface>(op))
    return cost.getFlops();
  if (auto loop = dyn_cast<LoopOp>(op)) {
    if (loop.getLimit()) // What most steps skip is no part of a step's work.
      return 0;
    int64_t flops = 0;
    for (Operation &inner : loop.getBody().front())
      flops += getFlops(&inner);
    return flops * loop.getCount();
  }
  if (op->getNumResults() == 0 || op->hasTrait<OpTrait::ConstantLike>())
    return 0;
  auto space = dyn_cast<shard::ShardingInterface>(op);
  bool reduces = space && llvm::is_contained(space.getLoopIteratorTypes(), utils::IteratorType::reduction);
  return iterationPoints(op) * (reduces ? 2 : 1);
}

Format mlir::nanochat::getArithmetic(Operation *op) {
  auto product = matchProduct(op);
  return product ? product->arithmetic() : Format::f32;
}

bool mlir::nanochat::isExpensive(Operation *op) {
  int64_t results = 1;
  for (Value v : op->getResults())
    results = std::max(results, elements(v));
  return iterationPoints(op) / results >= 16;
}
