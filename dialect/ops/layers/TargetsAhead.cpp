// Targets further ahead than the next token.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::nanochat;

/// The numbers that `value` is one of, where they are known: a constant, or slices of one.
static DenseFPElementsAttr knownNumbers(Value value) {
  while (auto arg = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<LoopOp>(arg.getOwner()->getParentOp());
    Value stack = loop ? loop.getSlicedStack(value) : Value();
    if (!stack)
      return {};
    value = stack;
  }
  DenseFPElementsAttr numbers;
  return matchPattern(value, m_Constant(&numbers)) ? numbers : DenseFPElementsAttr();
}

LogicalResult TargetsAheadOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                               SmallVectorImpl<Type> &types) {
  RankedTensorType targets = typeOf(adaptor.getTargets());
  types.append({targets, withElement(targets, getElementTypeOrSelf(adaptor.getBy()))});
  return success();
}

LogicalResult TargetsAheadOp::verify() {
  int64_t tokens = getTargets().getType().getDimSize(0), seq = getSeq();
  if (tokens % seq) // targets_ahead-c1
    return emitOpError("has ") << tokens << " targets, which are no sequences of " << seq;
  DenseFPElementsAttr numbers = knownNumbers(getBy());
  if (!numbers)
    return success();
  for (const llvm::APFloat &number : numbers) {
    double by = number.convertToDouble();
    if (by != std::floor(by) || by < 1) // targets_ahead-c2
      return emitOpError("looks ahead by ") << by << "; it is a whole number from 1 on, 0 being the targets themselves";
    if (by >= seq) // targets_ahead-c3
      return emitOpError("looks ahead by ")
             << int64_t(by) << " in sequences of " << seq << ", of which none has such a target; "
             << "leave out the heads from there on, or take longer sequences";
  }
  return success();
}

SmallVector<Value> TargetsAheadOp::decompose(ImplicitLocOpBuilder &b) {
  RankedTensorType type = getTargets().getType(), perToken = getWeights().getType();
  int64_t tokens = type.getDimSize(0);
  Value ahead =
      pointwise(b, type, getBy(), projection(getContext(), 1, {}), [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
        auto c = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(s, value); };
        Value token = linalg::IndexOp::create(s, 0);
        Value by = arith::IndexCastOp::create(s, s.getIndexType(), arith::FPToSIOp::create(s, s.getI32Type(), v[0]));
        Value place = arith::AddIOp::create(s, arith::RemUIOp::create(s, token, c(getSeq())), by);
        Value isWithin = arith::CmpIOp::create(s, arith::CmpIPredicate::ult, place, c(getSeq())),
              isAhead = arith::CmpIOp::create(s, arith::CmpIPredicate::sge, by, c(1));
        isWithin = arith::AndIOp::create(s, isWithin, isAhead);
        Value at = arith::MinUIOp::create(s, arith::AddIOp::create(s, token, by), c(tokens - 1));
        Value target = tensor::ExtractOp::create(s, getTargets(), at);
        return arith::SelectOp::create(s, isWithin, target, constant(s, s.getI32Type(), -1));
      });
  AffineMap each = b.getMultiDimIdentityMap(1);
  auto choose = [](ImplicitLocOpBuilder &s, Value target, Value then) -> Value {
    Value isSome = arith::CmpIOp::create(s, arith::CmpIPredicate::sge, target, constant(s, target.getType(), 0));
    return arith::SelectOp::create(s, isSome, then, constant(s, then.getType(), 0.0));
  };
  Value count = reduce(b, withShape(perToken, {}), 1, {}, 0.0, ahead, each, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    return add(s, v[1], choose(s, v[0], constant(s, v[1].getType(), 1.0)));
  });
  Value weights = pointwise(b, perToken, {ahead, count}, {each, projection(getContext(), 1, {})},
                            [&](ImplicitLocOpBuilder &s, ValueRange v) {
                              auto c = [&](double value) { return constant(s, v[1].getType(), value); };
                              Value some = arith::MaximumFOp::create(s, v[1], c(1.0));
                              return choose(s, v[0], div(s, c(tokens), some));
                            });
  return {ahead, weights};
}
