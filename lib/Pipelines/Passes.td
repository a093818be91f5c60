#ifndef NANOCHAT_PIPELINES_PASSES_TD
#define NANOCHAT_PIPELINES_PASSES_TD
include "mlir/Pass/PassBase.td"

def SetSizesPass : Pass<"nanochat-set-sizes", "::mlir::ModuleOp"> {
  let summary = "Set compile-time sizes of a model";
  let description = [{
    Of a model that declares sizes, `name=value` changes one of these, or a setting, after a preset has; what they stand
    for takes the place of their names, so that later passes find plain numbers and types, and the model is named
    after its preset, if the user names it or changes nothing but `batch`, `seq` and `accum`. Of any
    other model, `name=value` sets `batch`, `seq` or `accum` of all ops, or the trip count of loops of that name and the leading dimension of parameters stacked over them (n_loops, layers); the types of
    all values follow. Batch, sequence and loops in force are left on the module as `nanochat.sizes`.

    With `ways` the sequences of a step, accum micro-batches of batch, are split into as many equal parts, each of which
    becomes a sum of gradients of its own: `accum` is divided as far as it goes, then `batch`, and what follows compiles one part.
  }];
  let dependentDialects = ["arith::ArithDialect"];
  let options = [ListOption<"sizes", "sizes", "std::string", "name=value">,
                 Option<"preset", "preset", "std::string", "", "One of the model's presets, the first one by default">,
                 Option<"ways", "ways", "int64_t", "1", "Equal parts of a step">,
                 Option<"ranks", "ranks", "int64_t", "1", "Processes that share them out">,
                 Option<"tensor", "tensor", "int64_t", "1", "Of them that compute each part together">];
}

def SetPoliciesPass : Pass<"nanochat-set-policies", "::mlir::ModuleOp"> {
  let summary = "Say what a model keeps in memory";
  let description = [{
    `loop=policy` sets `recompute` of the loops of that name to nothing, cheap or body, whatever the model says; `chunk` how
    many tokens' logits output heads have at a time. Loops that a model does not have are errors, as is a chunk without a head.
  }];
  let options = [ListOption<"recompute", "recompute", "std::string", "loop=policy">,
                 Option<"chunk", "chunk", "int64_t", "0", "Tokens whose logits there are at once; 0: what suits their number">];
}

#endif
