#include "lib/Checks/ModelLoss.h"
#include "dialect/Linalg.h"
#include <cmath>

using namespace mlir;
using namespace mlir::nanochat;

/// Values with the mean and spread of the parameter's start.
static Attribute rangeOf(Builder &b, ParamOp param) {
  double scale = param.getScale().convertToDouble();
  double middle = param.getInit() == Init::constant ? scale : 0.0;
  double reach = param.getInit() == Init::constant ? 0.5 : std::sqrt(3.0) * scale;
  return b.getF64ArrayAttr({middle - reach, middle + reach});
}

/// How many ids there are: rows of the output head's weight.
static int64_t vocabularyOf(ModelOp model) {
  int64_t size = 1;
  model.walk([&](HeadOpInterface head) {
    if (!head.isAuxiliary())
      size = typeOf(head->getOperand(1)).getDimSize(0);
  });
  return size;
}

OwningOpRef<func::FuncOp> mlir::nanochat::buildLoss(ObjectiveOp objective) {
  auto model = objective->getParentOfType<ModelOp>();
  OpBuilder b(model.getContext());
  auto func = func::FuncOp::create(objective.getLoc(), objective.getPhase(),
                                   b.getFunctionType({}, objective.getLoss().getType()));
  func->setAttr("nanochat.check_grad", b.getUnitAttr());
  Block &body = func.getBody().emplaceBlock();
  ImplicitLocOpBuilder in = ImplicitLocOpBuilder::atBlockEnd(objective.getLoc(), &body);
  SmallVector<Attribute> attrs;
  auto argument = [&](Type type, ArrayRef<NamedAttribute> facts) {
    attrs.push_back(b.getDictionaryAttr(facts));
    return body.addArgument(type, objective.getLoc());
  };
  IRMapping map;
  for (Operation &op : model.getForward().front()) {
    if (auto param = dyn_cast<ParamOp>(op)) {
      SmallVector<NamedAttribute> facts{b.getNamedAttr("nanochat.range", rangeOf(b, param))};
      if (objective.getTrains() && !llvm::is_contained(*objective.getTrains(), param.getRoleAttr()))
        facts.push_back(b.getNamedAttr("nanochat.fixed", b.getUnitAttr()));
      map.map(param.getResult(), argument(param.getType(), facts));
    } else if (auto tokens = dyn_cast<TokensOp>(op)) {
      NamedAttribute bound = b.getNamedAttr("nanochat.bound", b.getI64IntegerAttr(vocabularyOf(model)));
      map.map(tokens.getTokens(), argument(tokens.getTokens().getType(), bound));
      map.map(tokens.getTargets(), argument(tokens.getTargets().getType(), bound));
    } else if (auto values = dyn_cast<TokenValuesOp>(op)) {
      map.map(values.getValues(),
              argument(values.getValues().getType(), b.getNamedAttr("nanochat.fixed", b.getUnitAttr())));
    } else if (auto scalar = dyn_cast<ScalarOp>(op)) {
      map.map(scalar.getResult(), constant(in, scalar.getType(), scalar.getValue().convertToDouble()));
    } else if (!isa<ObjectiveOp, MetricOp>(op)) {
      in.clone(op, map);
    }
  }
  func::ReturnOp::create(in, map.lookup(objective.getLoss()));
  func.setFunctionType(b.getFunctionType(body.getArgumentTypes(), objective.getLoss().getType()));
  func.setAllArgAttrs(attrs);
  return func;
}
