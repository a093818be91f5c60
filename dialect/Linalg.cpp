#include "dialect/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mlir::nanochat {

AffineMap projection(MLIRContext *ctx, unsigned loops, ArrayRef<unsigned> dims) {
  return AffineMap::getMultiDimMapWithTargets(loops, dims, ctx);
}

Value constant(ImplicitLocOpBuilder &b, Type type, double value) {
  auto scalar = [&](Type t) -> TypedAttr {
    if (isa<FloatType>(t))
      return b.getFloatAttr(t, value);
    return b.getIntegerAttr(t, static_cast<int64_t>(value));
  };
  if (auto shaped = dyn_cast<ShapedType>(type))
    return arith::ConstantOp::create(b, SplatElementsAttr::get(shaped, scalar(shaped.getElementType())));
  return arith::ConstantOp::create(b, scalar(type));
}

/// A linalg.generic whose region `body` fills; the accumulator is passed for reductions only.
static Value generic(ImplicitLocOpBuilder &b, RankedTensorType type, ValueRange ins, Value out,
                     ArrayRef<AffineMap> maps, ArrayRef<utils::IteratorType> iterators, bool reduces, ScalarBody body) {
  auto op = linalg::GenericOp::create(b, TypeRange{type}, ins, ValueRange{out}, maps, iterators,
                                      [&](OpBuilder &nested, Location loc, ValueRange args) {
                                        ImplicitLocOpBuilder scalars(loc, nested);
                                        Value result = body(scalars, reduces ? args : args.drop_back());
                                        linalg::YieldOp::create(nested, loc, result);
                                      });
  return op.getResult(0);
}

Value pointwise(ImplicitLocOpBuilder &b, RankedTensorType type, ValueRange ins, ArrayRef<AffineMap> maps,
                ScalarBody body) {
  SmallVector<AffineMap> all(maps);
  all.push_back(b.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  Value out = tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
  return generic(b, type, ins, out, all, iterators, false, body);
}

Value pointwise(ImplicitLocOpBuilder &b, ValueRange ins, ScalarBody body) {
  RankedTensorType type = typeOf(ins.front());
  AffineMap full = b.getMultiDimIdentityMap(type.getRank()), scalar = projection(b.getContext(), type.getRank(), {});
  auto maps = llvm::map_to_vector(ins, [&](Value in) { return typeOf(in).getRank() ? full : scalar; });
  return pointwise(b, type, ins, maps, body);
}

Value reduce(ImplicitLocOpBuilder &b, RankedTensorType type, unsigned loops, ArrayRef<unsigned> outDims, double init,
             ValueRange ins, ArrayRef<AffineMap> maps, ScalarBody body) {
  SmallVector<AffineMap> all(maps);
  all.push_back(projection(b.getContext(), loops, outDims));
  SmallVector<utils::IteratorType> iterators(loops, utils::IteratorType::reduction);
  for (unsigned d : outDims)
    iterators[d] = utils::IteratorType::parallel;
  Value empty = tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
  Value start = constant(b, type.getElementType(), init);
  Value out = linalg::FillOp::create(b, start, empty).getResult(0);
  return generic(b, type, ins, out, all, iterators, true, body);
}

Value risingNumbers(ImplicitLocOpBuilder &b, int64_t count) {
  SmallVector<int32_t> numbers = llvm::to_vector(llvm::seq<int32_t>(0, count));
  auto type = RankedTensorType::get({count}, b.getI32Type());
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef(numbers)));
}

Value splitRows(ImplicitLocOpBuilder &b, Value x, int64_t rows) {
  auto type = typeOf(x);
  SmallVector<int64_t> shape{type.getDimSize(0) / rows, rows};
  SmallVector<ReassociationIndices> groups{{0, 1}};
  for (int64_t d = 1; d < type.getRank(); ++d) {
    shape.push_back(type.getDimSize(d));
    groups.push_back({d + 1});
  }
  return tensor::ExpandShapeOp::create(b, withShape(type, shape), x, groups);
}

Value combineInTree(ValueRange values, llvm::function_ref<Value(Value, Value)> combine) {
  SmallVector<Value> level(values);
  while (level.size() > 1) {
    for (size_t i = 0; i + 1 < level.size(); i += 2)
      level[i / 2] = combine(level[i], level[i + 1]);
    if (level.size() % 2)
      level[level.size() / 2] = level.back();
    level.resize((level.size() + 1) / 2);
  }
  return level[0];
}

int64_t largestDivisor(int64_t n, int64_t most) {
  int64_t divisor = std::max<int64_t>(1, most);
  while (n % divisor)
    --divisor;
  return divisor;
}

} // namespace mlir::nanochat
