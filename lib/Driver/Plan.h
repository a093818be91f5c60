// What a compiled model will need, before it runs: --plan.
#ifndef NANOCHAT_LIB_DRIVER_PLAN_H
#define NANOCHAT_LIB_DRIVER_PLAN_H

#include "dialect/Nanochat.h"
#include "lib/Program/Descriptor.h"

namespace mlir::nanochat {

/// Parameters as stored, and as many as a model without shared weights would store to do the same work:
/// each counts once for every iteration of the loops around its use (embeddings once).
struct ParameterCount {
  int64_t stored = 0, effective = 0;
};
ParameterCount countParameters(ModelOp model);

/// Prints the plan of a module after stage `plan`: sizes, parameters, work per token, bytes per arena,
/// every buffer of the workspace and the floor of every dispatch. `scratch` are the bytes of each thread.
void printPlan(ModuleOp planned, const ProgramFacts &facts, ParameterCount parameters, int64_t scratch, bool json,
               llvm::raw_ostream &os);

} // namespace mlir::nanochat
#endif
