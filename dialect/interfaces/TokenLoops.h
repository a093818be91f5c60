// Which loops of an op run over tokens.
#pragma once

#include "dialect/Nanochat.h"

namespace mlir::nanochat {

/// Which loops of an op run over tokens.
class TokenLoops {
public:
  explicit TokenLoops(Operation *op) : op(op) {
    if (auto space = dyn_cast<shard::ShardingInterface>(op)) {
      maps = space.getIndexingMaps();
    } else if (op->hasTrait<PointwiseOp>() || OpTrait::hasElementwiseMappableTraits(op)) {
      for (TypeRange types : {TypeRange(op->getOperandTypes()), TypeRange(op->getResultTypes())})
        for (Type type : types)
          maps.push_back(AffineMap::getMultiDimIdentityMap(rankOf(type), op->getContext()));
    }
  }

  /// The loop over dimension `dim` of the i-th of operands and results is one.
  void add(unsigned i, unsigned dim) {
    if (i < maps.size() && dim < maps[i].getNumResults())
      if (auto loop = dyn_cast<AffineDimExpr>(maps[i].getResult(dim)))
        loops.insert(loop.getPosition());
  }
  bool any() const { return !loops.empty(); }
  /// Which dimension of the i-th of operands and results is for tokens.
  std::optional<unsigned> dimOf(unsigned i) const {
    if (i < maps.size())
      for (auto [dim, expr] : llvm::enumerate(maps[i].getResults()))
        if (auto loop = dyn_cast<AffineDimExpr>(expr); loop && loops.contains(loop.getPosition()))
          return dim;
    return std::nullopt;
  }
  /// Does each row follow from the same row of the operands, the first dimension of each being for tokens?
  bool isByRow() const {
    auto isOther = [&](AffineExpr expr) {
      return !isa<AffineDimExpr>(expr) &&
             llvm::any_of(loops, [&](unsigned loop) { return expr.isFunctionOfDim(loop); });
    };
    bool readsRows = false; // what reads none has the rows that its attributes say
    for (unsigned i = 0; i < maps.size(); ++i) {
      readsRows |= i < op->getNumOperands() && dimOf(i);
      if (dimOf(i).value_or(0) != 0 || llvm::any_of(maps[i].getResults(), isOther))
        return false;
    }
    return readsRows && loops.size() == 1 && !op->getNumRegions();
  }

private:
  static unsigned rankOf(Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor ? tensor.getRank() : 0;
  }

  Operation *op;
  SmallVector<AffineMap> maps;
  llvm::SmallDenseSet<unsigned> loops;
};

/// `op` for rows alone, its token loops being `loops`; null if there is no such op.
Operation *buildOnRows(ImplicitLocOpBuilder &b, Operation *op, Value rows, const TokenLoops &loops);

/// The type with as many elements in dimension `dim` as there are rows.
RankedTensorType withRows(RankedTensorType type, unsigned dim, Value rows);

} // namespace mlir::nanochat
