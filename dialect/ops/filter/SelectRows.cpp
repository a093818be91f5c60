// Which tokens an objective keeps.
#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

int64_t ObjectiveOp::getKept(int64_t seq) {
  if (!getScore())
    return seq;
  // A share such as .55 of 100 is not above 55 for being written in binary.
  double wanted = getKeep()->convertToDouble() * seq * (1 - 1e-9);
  return std::min<int64_t>(seq, llvm::alignTo(static_cast<int64_t>(std::ceil(wanted)), getMultiple().value_or(16)));
}

LogicalResult SelectRowsOp::inferReturnTypes(MLIRContext *ctx, std::optional<Location>, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  int64_t sequences = typeOf(adaptor.getScores()).getDimSize(0) / std::max<int64_t>(1, adaptor.getSeq());
  types.push_back(RankedTensorType::get({sequences * int64_t(adaptor.getKeep())}, IntegerType::get(ctx, 32)));
  return success();
}

LogicalResult SelectRowsOp::verify() {
  int64_t tokens = getScores().getType().getDimSize(0), seq = getSeq(), keep = getKeep();
  if (tokens % seq) // select_rows-c1
    return emitOpError("has ") << tokens << " scores, which are no sequences of " << seq;
  if (keep > seq) // select_rows-c2
    return emitOpError("keeps ") << keep << " tokens of each sequence of " << seq;
  return success();
}

namespace {
/// Sums over the tokens j of sequence b, for each of numbers i that belong to it: loops (b, i, j).
struct PerSequence {
  ImplicitLocOpBuilder &b;

  AffineMap own() const { return projection(b.getContext(), 3, {0, 1}); }
  AffineMap all() const { return projection(b.getContext(), 3, {0, 2}); }
  Value sum(RankedTensorType type, ValueRange ins, ArrayRef<AffineMap> maps, ScalarBody term) const {
    return reduce(b, type, 3, {0, 1}, 0.0, ins, maps, [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
      return arith::AddIOp::create(s, v.back(), term(s, v.drop_back()));
    });
  }
};
} // namespace

/// Does loop j stand before loop i?
static Value isEarlier(ImplicitLocOpBuilder &s) {
  return arith::CmpIOp::create(s, arith::CmpIPredicate::ult, linalg::IndexOp::create(s, 2),
                               linalg::IndexOp::create(s, 1));
}

SmallVector<Value> SelectRowsOp::decompose(ImplicitLocOpBuilder &b) {
  using arith::CmpFPredicate, arith::CmpIPredicate;
  PerSequence loops{b};
  int64_t seq = getSeq(), keep = getKeep();
  auto asNumber = [](ImplicitLocOpBuilder &s, Value holds) -> Value {
    return arith::ExtUIOp::create(s, s.getI32Type(), holds);
  };
  auto isKept = [&](ImplicitLocOpBuilder &s, Value rank) -> Value {
    return arith::CmpIOp::create(s, CmpIPredicate::ult, rank, constant(s, rank.getType(), keep));
  };
  Value scores =
      splitRows(b,
                pointwise(b, getScores(),
                          [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                            Value isNone = arith::CmpFOp::create(s, CmpFPredicate::UNO, v[0], v[0]);
                            double top = std::numeric_limits<double>::infinity();
                            return arith::SelectOp::create(s, isNone, constant(s, v[0].getType(), top), v[0]);
                          }),
                seq);
  RankedTensorType perToken = withElement(typeOf(scores), b.getI32Type());
  int64_t sequences = perToken.getDimSize(0);
  // How many tokens of the sequence go before each.
  Value rank =
      loops.sum(perToken, {scores, scores}, {loops.own(), loops.all()}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
        Value isEqual = arith::CmpFOp::create(s, CmpFPredicate::OEQ, v[1], v[0]);
        Value isAbove = arith::CmpFOp::create(s, CmpFPredicate::OGT, v[1], v[0]);
        Value goesFirst = arith::AndIOp::create(s, isEqual, isEarlier(s));
        return asNumber(s, arith::OrIOp::create(s, isAbove, goesFirst));
      });
  // How many kept ones are earlier.
  Value place = loops.sum(perToken, {rank}, {loops.all()}, [&](ImplicitLocOpBuilder &s, ValueRange v) {
    return asNumber(s, arith::AndIOp::create(s, isEarlier(s), isKept(s, v[0])));
  });
  Value rows = loops.sum(withShape(perToken, {sequences, keep}), {rank, place}, {loops.all(), loops.all()},
                         [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                           auto number = [&](unsigned loop) -> Value {
                             return arith::IndexCastOp::create(s, s.getI32Type(), linalg::IndexOp::create(s, loop));
                           };
                           Value isHere = arith::CmpIOp::create(s, CmpIPredicate::eq, v[1], number(1));
                           Value first = arith::MulIOp::create(s, number(0), constant(s, s.getI32Type(), seq));
                           Value token = arith::AddIOp::create(s, first, number(2));
                           return arith::SelectOp::create(s, arith::AndIOp::create(s, isKept(s, v[0]), isHere), token,
                                                          constant(s, s.getI32Type(), 0));
                         });
  return {tensor::CollapseShapeOp::create(b, typeOf(getRows()), rows, SmallVector<ReassociationIndices>{{0, 1}})};
}
