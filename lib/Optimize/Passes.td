#ifndef NANOCHAT_OPTIMIZE_PASSES_TD
#define NANOCHAT_OPTIMIZE_PASSES_TD
include "mlir/Pass/PassBase.td"

def AssignOptimizersPass : Pass<"nanochat-assign-optimizers", "::mlir::ModuleOp"> {
  let summary = "Give roles of parameters to other update rules";
  let description = [{
    `role[+role…]=rule[:option=value…]`, as `nanochat-opt --optimizer` takes it; the role `rest` stands for all that no assignment names. The roles leave the optimizers that the
    model gave them to and get one of their own, with the same lr, weight decay and factor on gradients. Options are
    attributes of the update op; `lr` and `weight_decay` make scalars "<role>.lr" and "<role>.weight_decay" with that
    default, scheduled as the model's are.
  }];
  let options = [ListOption<"assign", "assign", "std::string", "role=rule[:option=value…]">];
}

def BuildUpdatesPass : Pass<"nanochat-build-updates", "::mlir::ModuleOp"> {
  let summary = "From a model's update region to its update entries";
  let description = [{
    For every phase, emits `<phase>.update`: the ops of the update region (schedules, clipping), then the assigned
    update rule for every parameter that the phase trains. States follow from the rule's
    OptimizerOpInterface. The scalar "grad_norm" is the one the gradients entry put out.
    Every `nanochat.phase` becomes an entry `phase.<name>`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect"];
}

def ProjectGradientsPass : Pass<"nanochat-project-gradients", "::mlir::ModuleOp"> {
  let summary = "Form gradients as the projections that update rules want";
  let description = [{
    For every update rule with ProjectingOptimizerOpInterface, the gradients entry of its phase returns the projection
    of the gradient on the rule's basis and, where one is due (`refresh_schedule`), takes a new basis of the
    first contribution that it forms of the gradient: that of the first micro-batch and of the use of the weight
    which the backward pass comes to first, the last LoopLM step. What forms a contribution is projected factor
    by factor, in the loops in which it stands; the whole exists only while its basis is taken.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::nanochat::NanochatDialect"];
}

def UpdateInBackwardPass : Pass<"nanochat-update-in-backward", "::mlir::ModuleOp"> {
  let summary = "Update stacked parameters where their gradients are formed";
  let description = [{
    Moves the update rules of parameters that a loop slices, and nothing shares, to the end of the body of the reversed loop
    that stacks their gradients: each matrix is updated once its gradient is known, and no stack of gradients exists. New
    parameters and states are results of the gradients entry. They are what they were where the loss or the gradient's norm
    is not finite (those in int8 up to a last place of their scales). The norm of all gradients is that of the matrices' norms. An error says where gradients are sums over
    micro-batches or uses, where a factor of the global norm scales them, where states are not one for each matrix, and
    where the rule draws random numbers.
    Example: test/integration/update-in-backward.mlir.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
}

def HoistInvariantsPass : Pass<"nanochat-hoist-invariants", "::mlir::ModuleOp"> {
  let summary = "Work that does not change between iterations leaves the loop";
  let description = [{
    Two rewrites of `nanochat.loop`, until neither applies:
    1. A pure op of a loop body whose operands all come from outside moves in front of the loop.
       Constants follow their users; alone they stay, they cost nothing where they are.
    2. Work on weights (trait `LoopInvariantWork`) in an inner loop that reads only slices of stacks,
       and other values, from outside an enclosing loop is done once: in a loop of its own in front
       of the outermost such loop. The inner loop slices the stacked results. So is work that two
       loops do to the same slices, as the gradient does that of the forward pass.

    ```mlir
    nanochat.loop "steps" = 4 carry(...) {
      nanochat.loop "layers" = 3 carry(...) slice(%w = %W : ...) {
        %t, %gamma = nanochat.ternarize %w ...
    ```
    becomes
    ```mlir
    %T, %G = nanochat.loop "layers" = 3 slice(%w = %W : ...) { ternarize %w, stacked }
    nanochat.loop "steps" = 4 carry(...) {
      nanochat.loop "layers" = 3 carry(...) slice(%t = %T : ..., %gamma = %G : ...) {
    ```
    The price is one stack of results, which lives as long as the loop it left.
    Example: test/optimize/hoist-invariants.mlir.
  }];
}

def SplitTernarizePass : Pass<"nanochat-split-ternarize", "::mlir::ModuleOp"> {
  let summary = "Codes of ternary weights are formed where they are read";
  let description = [{
    `nanochat.ternarize` becomes `ternary_scale` and `ternarize_by`. Only the former is worth a stack, so that
    `nanochat-hoist-invariants` takes scales out of loops and leaves codes in them: those of a layer exist at a time.
  }];
}

def PackWeightsPass : Pass<"nanochat-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Ternary weights are packed where they are made";
  let description = [{
    Puts `nanochat.pack_panels` behind every `nanochat.ternarize` and `ternarize_by` of one scale whose sizes fit and whose codes
    nothing but products and `dequantize_weight` reads, here or in other loops: all of these read the panels. With
    `nanochat-hoist-invariants` before it, weights are packed once per step. Four-bit codes that a `block_matmul` sums over by
    rows are quantised to `panels`.
    Example: test/optimize/pack-weights.mlir.
  }];
}

#endif
