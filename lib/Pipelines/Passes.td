#ifndef NANOCHAT_PIPELINES_PASSES_TD
#define NANOCHAT_PIPELINES_PASSES_TD
include "mlir/Pass/PassBase.td"

def SetSizesPass : Pass<"nanochat-set-sizes", "::mlir::ModuleOp"> {
  let summary = "Set compile-time sizes of a model";
  let description = [{
    `name=value` sets the integer attribute of that name on every op that has one (batch, seq, accum), the trip count of
    loops of that name and the leading dimension of parameters stacked over them (n_loops, layers); the types
    of all values follow. The sizes in force are left on the module as `nanochat.sizes`.
  }];
  let options = [ListOption<"sizes", "sizes", "std::string", "name=value">];
}

#endif
