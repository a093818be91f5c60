// The forward region of a model as the body of an entry.
#pragma once

#include "dialect/StepIR.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::nanochat {

/// The forward region of a model, cloned: where its declarations ended up and what it reports.
struct ForwardPass {
  llvm::MapVector<Operation *, Value> params; // nanochat.param -> argument
  Value loss, score;                          // of the phase; no score where its objective filters nothing
  SmallVector<Value> perToken;                // the batch
  SmallVector<std::pair<StringRef, Value>> metrics;
};

/// Builds one entry function from a model's forward region.
class ForwardEntry {
public:
  ForwardEntry(ModelOp model, EntryKind kind, StringRef phase = "")
      : model(model), entry(model->getParentOfType<ModuleOp>(), kind, phase, model.getLoc()) {}

  /// Adds the model's parameters, scalars and `accum` batches as arguments; numbers from files if `objective`, whose
  /// gradients the entry is for, depends on them.
  void declare(int64_t accum, ObjectiveOp objective = {});
  /// Clones the compute ops at `b`; `perToken` is one batch of what `batch` holds.
  ForwardPass clone(OpBuilder &b, ValueRange perToken, StringRef phase);

  ModelOp model;
  EntryBuilder entry;
  SmallVector<Value> batch; // arguments with a number per token

private:
  SmallVector<Value> batchOf; // values of the model that they are
  IRMapping declared;
  llvm::MapVector<Operation *, Value> params;
};

} // namespace mlir::nanochat
