#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult ModelOp::verify() {
  llvm::StringSet<> names;
  bool hasObjective = false;
  for (Operation &op : getForward().front()) {
    hasObjective |= isa<ObjectiveOp>(op);
    if (auto param = dyn_cast<ParamOp>(op); param && !names.insert(param.getParamName()).second) // model-c1
      return param.emitOpError("is declared twice: parameter names are unique");
  }
  if (!hasObjective) { // model-c2
    InFlightDiagnostic diag = emitOpError("has no objective");
    diag.attachNote() << "end the forward region with: nanochat.objective \"train\" %loss : tensor<f32>";
    return diag;
  }
  return success();
}

LogicalResult TokensOp::inferReturnTypes(MLIRContext *ctx, std::optional<Location>, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  int64_t tokens = adaptor.getBatch() * adaptor.getSeq();
  types.assign(2, RankedTensorType::get({tokens}, IntegerType::get(ctx, 32)));
  return success();
}

LogicalResult ParamOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  if (!type.hasStaticShape()) // param-c1
    return emitOpError("has type ") << type << ": shapes are static";
  if (getStack() && type.getRank() < 2) // param-c2
    return emitOpError("is stacked, so it needs a leading dimension before its own; found ") << type;
  return success();
}

LogicalResult TokenConstantOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                                SmallVectorImpl<Type> &types) {
  auto like = cast<RankedTensorType>(adaptor.getLike().getType());
  types.push_back(withShape(like, {like.getDimSize(0)}));
  return success();
}

FailureOr<SmallVector<Value>> TokenConstantOp::decomposeOperation(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return SmallVector<Value>{constant(b, getType(), getValue().convertToDouble())};
}
