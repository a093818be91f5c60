#include "lib/Entries/ForwardEntry.h"
#include "dialect/Linalg.h"

using namespace mlir;
using namespace mlir::nanochat;

void ForwardEntry::declare(int64_t accum) {
  for (Operation &op : model.getForward().front()) {
    if (auto param = dyn_cast<ParamOp>(op)) {
      params[param] = entry.argument(param.getType(), bindingOf(param));
      declared.map(param.getResult(), params[param]);
    } else if (auto scalar = dyn_cast<ScalarOp>(op)) {
      declared.map(scalar.getResult(), entry.argument(scalar.getType(), bindingOf(scalar)));
    } else if (auto batch = dyn_cast<TokensOp>(op)) {
      auto type = typeOf(batch.getTokens());
      if (accum > 1)
        type = withShape(type, {accum, type.getDimSize(0)});
      tokens = entry.argument(type, BindingKind::input, "tokens");
      targets = entry.argument(type, BindingKind::input, "targets");
    }
  }
}

ForwardPass ForwardEntry::clone(OpBuilder &b, Value batchTokens, Value batchTargets, StringRef phase) {
  ForwardPass pass;
  pass.params = params;
  IRMapping map = declared;
  for (Operation &op : model.getForward().front()) {
    if (auto batch = dyn_cast<TokensOp>(op)) {
      map.map(batch.getTokens(), batchTokens);
      map.map(batch.getTargets(), batchTargets);
    } else if (auto objective = dyn_cast<ObjectiveOp>(op)) {
      if (objective.getPhase() == phase)
        pass.loss = map.lookup(objective.getLoss());
    } else if (auto metric = dyn_cast<MetricOp>(op)) {
      pass.metrics.push_back({metric.getMetricName(), map.lookup(metric.getValue())});
    } else if (!isa<ParamOp, ScalarOp>(op)) {
      b.clone(op, map);
    }
  }
  return pass;
}
