// The forward region of a model as the body of an entry.
#pragma once

#include "dialect/StepIR.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::nanochat {

/// The forward region of a model, cloned: where its declarations ended up and what it reports.
struct ForwardPass {
  llvm::MapVector<Operation *, Value> params; // nanochat.param -> argument
  Value loss;
  SmallVector<std::pair<StringRef, Value>> metrics;
};

/// Builds one entry function from a model's forward region.
class ForwardEntry {
public:
  ForwardEntry(ModelOp model, EntryKind kind, StringRef phase = "")
      : model(model), entry(model->getParentOfType<ModuleOp>(), kind, phase, model.getLoc()) {}

  /// Adds the model's parameters, scalars and `accum` batches as arguments.
  void declare(int64_t accum);
  /// Clones the compute ops at `b`; `tokens` and `targets` are one batch.
  ForwardPass clone(OpBuilder &b, Value tokens, Value targets, StringRef phase);

  ModelOp model;
  EntryBuilder entry;
  Value tokens, targets;

private:
  IRMapping declared;
  llvm::MapVector<Operation *, Value> params;
};

} // namespace mlir::nanochat
