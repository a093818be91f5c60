#ifndef NANOCHAT_AUTODIFF_PASSES_TD
#define NANOCHAT_AUTODIFF_PASSES_TD
include "mlir/Pass/PassBase.td"

def DifferentiatePass : Pass<"nanochat-differentiate", "::mlir::ModuleOp"> {
  let summary = "From a model to the gradients of its objectives";
  let description = [{
    For every objective of a `nanochat.model`, emits `<phase>.gradients`: the forward pass, the reverse
    sweep over it and the norm of all gradients. Parameters, batch and scalars become arguments, losses,
    metrics and gradients results, all bound by name (see dialect/StepIR.h). Micro-batches (`accum`) are one more rolled loop, which averages the loss and
    scalar metrics and stacks metrics per token. The model stays, for the stages that still read its update
    region. Where the objective has a filter, `select_rows` says which tokens have a gradient, and the sweep is of these rows
    alone (dialect/interfaces/KeptRows.h).
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect", "::mlir::func::FuncDialect"];
}

def AddressDrawsPass : Pass<"nanochat-address-draws", "::mlir::ModuleOp"> {
  let summary = "Say which random numbers gradients draw";
  let description = [{
    Replaces every `nanochat.draws` of an entry by the `random_address` of its site: the seed and the step become inputs of the
    entry, and every loop around counts its iterations in a slice of 0, 1, …. So neither threads, recomputation nor the order
    of dispatches change what is drawn.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def SinkGathersPass : Pass<"nanochat-sink-gathers", "::mlir::func::FuncOp"> {
  let summary = "Recompute forward values of kept tokens alone";
  let description = [{
    The gradient of an objective with a filter reads rows of forward values (`nanochat.gather_rows`). Where a loop recomputes such a value
    and nothing else reads it, the op is done for these rows alone, of the rows of its operands; and so on upwards, as far as
    each row follows from the same row, or ops say how (`AcrossTokensOpInterface`). Bits stay.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def SinkSumsPass : Pass<"nanochat-sink-sums", "::mlir::func::FuncOp"> {
  let summary = "Gather sums over iterations where their terms are formed";
  let description = [{
    Gradients of shared weights are sums over loops. Four rewrites keep them from being stacked or added
    up in passes of their own:
    - x + (s + y), where a loop gathers s from zero and y is made after it: (x + s) + y;
    - x + (a sum that a loop gathers from zero): the loop starts from x;
    - x + (a stack that a loop makes): the loop adds each element to its slice of x;
    - a loop that adds up slices of a stack, perhaps scaled by an invariant: the loop that makes the stack
      carries their sum. This is how the head's weight gradient stays in the forward pass.
    The order of summation may change; it does not depend on what a loop recomputes.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

#endif
