// The fastest program of a model that fits into so much memory: --budget.
#pragma once

#include "lib/Pipelines/Pipelines.h"

namespace mlir::nanochat {

/// What a search decides of a program; all else stays as it is.
struct Candidate {
  int64_t batch = 0, accum = 0; // sequences per micro-batch, and micro-batches; as the model says where 0
  MemoryChoices memory;
  std::string shard; // what each rank owns a share of, "states" or "weights"; as given where empty

  /// As options of nanochat-opt, which make the same program.
  std::string spell() const;
};

/// The memory of a candidate that does not compile.
inline constexpr int64_t kFitsNowhere = std::numeric_limits<int64_t>::max();

/// What is known of a candidate once it is compiled to its plan.
struct Evaluation {
  int64_t bytes;  // kFitsNowhere where it does not compile
  double seconds; // predicted, of a step
};

/// What there is to decide.
struct SearchSpace {
  int64_t sequences = 0;                         // of a step; 0 where batch and accum are given
  int64_t tokens = 1;                            // of a sequence
  std::vector<std::string> loops;                // whose policies are to be chosen
  std::vector<std::vector<std::string>> masters; // ways to store parameters in fewer bits, the leanest first
  std::vector<std::string> streams;              // loops whose streams may be rounded
  int64_t accum = 1;                             // micro-batches of a step, as the model says
  bool codes = false, chunk = false;
  bool shares = false; // of ranks
  bool update = false; // of stacked parameters in the backward pass, where there is one micro-batch
  Candidate fixed;     // what was given
};

struct SearchResult {
  Candidate choice;
  Evaluation evaluation;
  bool fits = false; // else it is the leanest there is
};

/// Climbs from the leanest candidate by the steps that save most predicted time and fit `budget`, then exchanges one
/// step for another, until none helps; evaluates at most `most` candidates. The same for the same evaluations.
SearchResult search(const SearchSpace &space, int64_t budget, int64_t most,
                    llvm::function_ref<Evaluation(const Candidate &)> evaluate);

} // namespace mlir::nanochat
