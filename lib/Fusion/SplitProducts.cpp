// Products whose result is small and whose sum is long are cut along the sum: slices run side by side, then they are added up.
#include "dialect/Linalg.h"
#include "lib/Fusion/Groups.h"
#include "lib/Fusion/Passes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_SPLITPRODUCTSPASS
#include "lib/Fusion/Passes.h.inc"

namespace {
/// Loops (m, n, k) of a product, or of a slice (s, m, n, k), and of the sum of slices (m, s, n).
struct Product {
  explicit Product(linalg::GenericOp op) : op(op), b(op.getLoc(), op) {
    AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
    if (!isContraction(op) || !addsUp() || !out.isProjectedPermutation() || out.getNumResults() != 2)
      return;
    SmallVector<int64_t> sizes = op.getStaticLoopRanges();
    m = out.getDimPosition(0), n = out.getDimPosition(1), k = 3 - m - n;
    M = sizes[m], N = sizes[n], K = sizes[k];
  }

  /// How many slices fill `blocks` blocks of the GPU with tiles of the result; 1 where it does so itself or the sum is short.
  int64_t slices(int64_t blocks, int64_t least) const {
    constexpr int64_t tile = 128, unit = 16, most = 16; // of k: copies of 16 bytes stay aligned
    int64_t tiles = llvm::divideCeil(M, tile) * llvm::divideCeil(N, tile);
    if (tiles == 0 || K % unit)
      return 1;
    return largestDivisor(K / unit, std::min({blocks / tiles, K / least, most}));
  }

  /// Are slices of both factors views of them?
  bool hasPlainFactors() {
    return llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *factor) {
      AffineMap map = op.getMatchingIndexingMap(factor);
      return map.isProjectedPermutation() && map.getNumResults() == 2 && map.isFunctionOfDim(k);
    });
  }

  void split(int64_t count) {
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    auto partial = RankedTensorType::get({count, M, N}, type.getElementType());
    SmallVector<Value> factors;
    SmallVector<AffineMap> maps;
    for (OpOperand *factor : op.getDpsInputOperands()) {
      AffineMap map = op.getMatchingIndexingMap(factor);
      factors.push_back(sliced(factor->get(), *map.getResultPosition(b.getAffineDimExpr(k)), count));
      SmallVector<unsigned> dims;
      for (unsigned i = 0; i < 2; ++i) {
        unsigned loop = map.getDimPosition(i);
        if (loop == k)
          dims.push_back(0);
        dims.push_back(loop == m ? 1 : loop == n ? 2 : 3);
      }
      maps.push_back(projection(b.getContext(), 4, dims));
    }
    Operation *body = &op.getBody()->front();
    Value slices = reduce(b, partial, 4, {0, 1, 2}, 0.0, factors, maps, [&](ImplicitLocOpBuilder &s, ValueRange v) {
      IRMapping inner;
      inner.map(op.getBody()->getArguments(), v);
      for (Operation *each = body; each != op.getBody()->getTerminator(); each = each->getNextNode())
        s.clone(*each, inner);
      return inner.lookup(op.getBody()->getTerminator()->getOperand(0));
    });
    slices.getDefiningOp()->setAttr(kSlicedAttr, b.getUnitAttr());
    Value sum = addUp(slices, type);
    op->getResult(0).replaceAllUsesWith(sum);
    op.erase();
  }

private:
  /// Is it acc + a term that does not depend on where k is?
  bool addsUp() {
    Operation *sum = op.getBody()->getTerminator()->getOperand(0).getDefiningOp();
    return isa_and_nonnull<arith::AddFOp, arith::AddIOp>(sum) && llvm::is_contained(sum->getOperands(), op.getRegionOutputArgs()[0]) &&
           !op.hasIndexSemantics();
  }

  /// Dimension `dim` as (count, rest): a view.
  Value sliced(Value x, unsigned dim, int64_t count) {
    auto type = cast<RankedTensorType>(x.getType());
    SmallVector<int64_t> shape;
    SmallVector<ReassociationIndices> groups;
    for (unsigned d = 0; d < 2; ++d) {
      groups.push_back({int64_t(shape.size())});
      if (d == dim) {
        shape.push_back(count);
        groups.back().push_back(shape.size());
      }
      shape.push_back(type.getDimSize(d) / (d == dim ? count : 1));
    }
    return tensor::ExpandShapeOp::create(b, withShape(type, shape), x, groups);
  }

  /// What the product starts from and all slices, in their order.
  Value addUp(Value slices, RankedTensorType type) {
    using utils::IteratorType;
    SmallVector<AffineMap> maps{projection(b.getContext(), 3, {1, 0, 2}), projection(b.getContext(), 3, {0, 2})};
    SmallVector<IteratorType> loops{IteratorType::parallel, IteratorType::reduction, IteratorType::parallel};
    auto sum = linalg::GenericOp::create(b, type, slices, op.getDpsInits(), maps, loops, [](OpBuilder &s, Location loc, ValueRange v) {
      bool isFloat = isa<FloatType>(v[0].getType());
      Value next = isFloat ? Value(arith::AddFOp::create(s, loc, v[1], v[0])) : Value(arith::AddIOp::create(s, loc, v[1], v[0]));
      linalg::YieldOp::create(s, loc, next);
    });
    return sum->getResult(0);
  }

  linalg::GenericOp op;
  ImplicitLocOpBuilder b;
  unsigned m = 0, n = 0, k = 0;
  int64_t M = 0, N = 0, K = 0;
};

struct SplitProductsPass : impl::SplitProductsPassBase<SplitProductsPass> {
  using SplitProductsPassBase::SplitProductsPassBase;
  void runOnOperation() override {
    if (blocks < 1 || least < 1) {
      getOperation().emitError("blocks = ") << int64_t(blocks) << " and least = " << int64_t(least) << ": expected numbers from 1";
      return signalPassFailure();
    }
    SmallVector<linalg::GenericOp> products;
    getOperation().walk([&](linalg::GenericOp op) {
      if (isContraction(op))
        products.push_back(op);
    });
    for (linalg::GenericOp op : products) {
      Product product(op);
      int64_t slices = product.slices(blocks, least);
      if (slices > 1 && product.hasPlainFactors())
        product.split(slices);
    }
  }
};
} // namespace
} // namespace mlir::nanochat
