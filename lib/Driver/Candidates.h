// What a search for memory chooses from, and what each choice would take.
#pragma once

#include "lib/Driver/Compile.h"
#include "lib/Planner/Rates.h"
#include "lib/Planner/Search.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::nanochat {

/// The options of `row` with what a candidate decides.
PipelineOptions with(const PipelineOptions &row, const Candidate &candidate);

/// Compiles candidates of one model for one row to their plans.
class Candidates {
public:
  /// `options` say what may be chosen.
  Candidates(ModuleOp model, const PipelineOptions &row, const CompileOptions &options, const Rates &rates,
             TimingScope &timing)
      : model(model), row(row), options(options), rates(rates), timing(timing) {}

  /// What there is to decide, of the model as it is said.
  FailureOr<SearchSpace> findSpace();
  /// Fails where a candidate does not compile, and says why, which `evaluate` does not.
  LogicalResult check(const Candidate &candidate);

  /// The fastest that takes at most `budget` bytes; `most` are compiled for it.
  SearchResult search(const SearchSpace &space, int64_t budget, int64_t most);

  /// What does not compile fits nowhere.
  Evaluation evaluate(const Candidate &candidate);

  /// The classes of memory that take most of a candidate, for messages.
  std::string largestClasses(const Candidate &candidate);

private:
  SearchSpace spaceOf(ModuleOp said);
  bool canUpdateInBackward(int64_t accum);
  FailureOr<OwningOpRef<ModuleOp>> plan(const Candidate &candidate);

  ModuleOp model;
  PipelineOptions row;
  const CompileOptions &options;
  const Rates &rates;
  TimingScope &timing;
};

} // namespace mlir::nanochat
