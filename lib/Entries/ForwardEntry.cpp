#include "lib/Entries/ForwardEntry.h"
#include "dialect/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

/// The ops of the model that the loss of `objective`, or which tokens it is of, follows from.
static DenseSet<Operation *> opsBehind(ObjectiveOp objective, int64_t seq) {
  SmallVector<Value> work{objective.getLoss()};
  if (objective.getKept(seq) < seq)
    work.push_back(objective.getScore());
  DenseSet<Operation *> seen;
  while (!work.empty())
    if (Operation *def = work.pop_back_val().getDefiningOp(); def && seen.insert(def).second)
      def->walk([&](Operation *op) { llvm::append_range(work, op->getOperands()); });
  return seen;
}

void ForwardEntry::declare(int64_t accum, ObjectiveOp objective) {
  TokensOp tokensOp = *model.getForward().getOps<TokensOp>().begin();
  DenseSet<Operation *> wanted = objective ? opsBehind(objective, tokensOp.getSeq()) : DenseSet<Operation *>();
  auto perToken = [&](Value value, StringRef name) {
    RankedTensorType type = typeOf(value);
    if (accum > 1)
      type = withShape(type, {accum, type.getDimSize(0)});
    batch.push_back(entry.argument(type, BindingKind::input, name));
    batchOf.push_back(value);
  };
  for (Operation &op : model.getForward().front()) {
    if (auto param = dyn_cast<ParamOp>(op)) {
      params[param] = entry.argument(param.getType(), bindingOf(param));
      declared.map(param.getResult(), params[param]);
    } else if (auto scalar = dyn_cast<ScalarOp>(op)) {
      declared.map(scalar.getResult(), entry.argument(scalar.getType(), bindingOf(scalar)));
    } else if (auto tokens = dyn_cast<TokensOp>(op)) {
      perToken(tokens.getTokens(), "tokens");
      perToken(tokens.getTargets(), "targets");
    } else if (auto values = dyn_cast<TokenValuesOp>(op)) {
      if (wanted.contains(values)) {
        perToken(values.getValues(), values.getValuesName());
      } else {
        ImplicitLocOpBuilder b(values.getLoc(), entry.builder);
        declared.map(values.getValues(), constant(b, values.getValues().getType(), 0.0));
      }
    }
  }
}

/// A vector that is none per token, by its elements: "mtp.1", "mtp.2", …
static void addMetric(OpBuilder &builder, ForwardPass &pass, MetricOp metric, Value value) {
  RankedTensorType type = typeOf(value);
  if (type.getRank() != 1 || metric.isPerToken()) {
    pass.metrics.push_back({metric.getMetricName(), value});
    return;
  }
  ImplicitLocOpBuilder b(metric.getLoc(), builder);
  for (int64_t i = 0; i < type.getDimSize(0); ++i) {
    auto name = b.getStringAttr(metric.getMetricName() + "." + Twine(i + 1));
    SmallVector<OpFoldResult> at{b.getIndexAttr(i)}, one{b.getIndexAttr(1)};
    pass.metrics.push_back(
        {name.getValue(), tensor::ExtractSliceOp::create(b, withShape(type, {}), value, at, one, one)});
  }
}

ForwardPass ForwardEntry::clone(OpBuilder &b, ValueRange perToken, StringRef phase) {
  ForwardPass pass;
  pass.params = params;
  pass.perToken.assign(perToken.begin(), perToken.end());
  IRMapping map = declared;
  map.map(batchOf, perToken);
  for (Operation &op : model.getForward().front()) {
    if (auto objective = dyn_cast<ObjectiveOp>(op)) {
      if (objective.getPhase() != phase)
        continue;
      pass.loss = map.lookup(objective.getLoss());
      pass.score = objective.getScore() ? map.lookup(objective.getScore()) : Value();
    } else if (auto metric = dyn_cast<MetricOp>(op)) {
      addMetric(b, pass, metric, map.lookup(metric.getValue()));
    } else if (!isa<ParamOp, ScalarOp, TokensOp, TokenValuesOp>(op)) {
      b.clone(op, map);
    }
  }
  return pass;
}
