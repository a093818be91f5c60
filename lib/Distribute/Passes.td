#ifndef NANOCHAT_DISTRIBUTE_PASSES_TD
#define NANOCHAT_DISTRIBUTE_PASSES_TD
include "mlir/Pass/PassBase.td"

def CutLayersPass : Pass<"nanochat-cut-layers", "::mlir::ModuleOp"> {
  let summary = "Give ranks of a group parts of layers";
  let description = [{
    With the program's size `tensor` = T, groups of T ranks compute each batch together. What lies between a linear and the next, if nothing
    mixes channels but attention, each of whose heads has its own, is cut: the first by outputs, which are heads or hidden channels, what follows by these, the last by inputs, over
    which ranks add up. Output heads are cut by words. Each rank has whole parameters and takes its `part` of them in front of the loops, so that
    gradients are of parts until a step's are known; scales of ternary weights are of whole matrices, so that codes are those of one rank.

    Runs before differentiation, and behind what builds entries that one process runs alone.
  }];
}

def DistributePass : Pass<"nanochat-distribute", "::mlir::ModuleOp"> {
  let summary = "Sum gradients over ranks";
  let description = [{
    The program's sizes `ways` and `ranks` say how many sums a step has and how many processes share them out: each rank forms those of
    ways/ranks consecutive parts of the batch, one after the other. Gradients are added by an all-to-all of slices, a dispatch that
    adds the slices of all ways in a binary tree of neighbours, and an all-gather; the loss and other numbers of the whole batch
    likewise. Where groups of `tensor` ranks compute a batch together, `ranks` are the groups here: what they sum goes between ranks of the same place in
    each. So results are a function of `ways`, not of `ranks`, and no transport adds. Draws of way w are those of the iterations that
    would follow those of way w − 1. A basis that GaLore takes of a gradient is rank 0's.

    An exchange starts as soon as the gradient is known and ends behind the last gradient, where `overlap` is set; else each ends before the next.
    Values per token stay the rank's own.

    With `shard=states` each rank owns layers of stacked parameters and rows of others, with gradients, states and updates, where their rule
    works on each alone (lib/Distribute/ShareOut.h). Gradients go to the owner and stay there; before the forward pass all ranks gather codes of ternary
    weights, two bits each, and scales, and of other parameters the values. With `shard=weights` no rank has the codes, or values, of all layers: each keeps a part
    of every layer's, and loops over layers gather those of the next layer while one is computed (lib/Distribute/GatherAhead.h).
  }];
  let options = [Option<"shard", "shard", "std::string", "\"none\"", "What ranks own a share of: none, states or weights">,
                 Option<"overlap", "overlap", "bool", "true", "Whether gradients are exchanged while others are computed">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"];
}

#endif
