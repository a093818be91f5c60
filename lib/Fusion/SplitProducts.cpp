// Products whose result is small and whose sum is long are cut along the sum: slices run side by side, then they are
// added up.
#include "dialect/Linalg.h"
#include "dialect/MatrixProduct.h"
#include "lib/Fusion/Passes.h"
#include "lib/Targets/Target.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_SPLITPRODUCTSPASS
#include "lib/Fusion/Passes.h.inc"

namespace {
/// A product with loops (m, n, k) becomes one of slices, (s, m, n, k), and a sum of slices, (m, s, n).
class Splitter {
public:
  explicit Splitter(const MatrixProduct &p) : p(p), op(cast<linalg::GenericOp>(p.op)), b(op.getLoc(), op) {}

  /// How many slices fill `blocks` blocks of the GPU with tiles of the result; 1 where it does so itself or the sum is
  /// short.
  int64_t slices(int64_t blocks, int64_t least) const {
    if (p.s)
      return 1;
    constexpr int64_t tile = 128, unit = 16, most = 16; // of k: copies of 16 bytes stay aligned
    int64_t tiles = llvm::divideCeil(p.M, tile) * llvm::divideCeil(p.N, tile);
    if (tiles == 0 || p.K % unit)
      return 1;
    return largestDivisor(p.K / unit, std::min({blocks / tiles, p.K / least, most}));
  }

  /// Are slices of both factors views of them?
  bool hasPlainFactors() {
    auto isPlain = [](AffineMap map) { return map.isProjectedPermutation() && map.getNumResults() == 2; };
    return isPlain(p.a.map) && isPlain(p.b.map);
  }

  void split(int64_t count) {
    auto type = typeOf(op->getResult(0));
    auto partial = RankedTensorType::get({count, p.M, p.N}, type.getElementType());
    SmallVector<Value> factors;
    SmallVector<AffineMap> maps;
    for (OpOperand *factor : op.getDpsInputOperands()) {
      AffineMap map = op.getMatchingIndexingMap(factor);
      factors.push_back(sliced(factor->get(), *map.getResultPosition(b.getAffineDimExpr(p.k)), count));
      SmallVector<unsigned> dims;
      for (unsigned i = 0; i < 2; ++i) {
        unsigned loop = map.getDimPosition(i);
        if (loop == p.k)
          dims.push_back(0);
        dims.push_back(loop == p.m ? 1 : loop == p.n ? 2 : 3);
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
    Value sum = addUp(slices, type);
    op->getResult(0).replaceAllUsesWith(sum);
    op.erase();
  }

private:
  /// Dimension `dim` as (count, rest): a view.
  Value sliced(Value x, unsigned dim, int64_t count) {
    auto type = typeOf(x);
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
    auto sum = linalg::GenericOp::create(b, type, slices, op.getDpsInits(), maps, loops,
                                         [](OpBuilder &s, Location loc, ValueRange v) {
                                           bool isFloat = isa<FloatType>(v[0].getType());
                                           Value next = isFloat ? Value(arith::AddFOp::create(s, loc, v[1], v[0]))
                                                                : Value(arith::AddIOp::create(s, loc, v[1], v[0]));
                                           linalg::YieldOp::create(s, loc, next);
                                         });
    return sum->getResult(0);
  }

  MatrixProduct p;
  linalg::GenericOp op;
  ImplicitLocOpBuilder b;
};

struct SplitProductsPass : impl::SplitProductsPassBase<SplitProductsPass> {
  using SplitProductsPassBase::SplitProductsPassBase;
  void runOnOperation() override {
    if (least < 1) {
      getOperation().emitError("least = ") << int64_t(least) << ": expected a number from 1";
      return signalPassFailure();
    }
    FailureOr<Target> row = targetOf(getOperation());
    if (failed(row))
      return signalPassFailure();
    SmallVector<MatrixProduct> products;
    getOperation().walk([&](linalg::GenericOp op) {
      if (auto product = matchProduct(op))
        products.push_back(*product);
    });
    for (const MatrixProduct &product : products) {
      Splitter splitter(product);
      int64_t slices = splitter.slices(row->blocks(), least);
      if (slices > 1 && splitter.hasPlainFactors())
        splitter.split(slices);
    }
  }
};
} // namespace
} // namespace mlir::nanochat
