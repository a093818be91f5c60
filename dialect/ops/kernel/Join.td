#ifndef NANOCHAT_OPS_JOIN_TD
#define NANOCHAT_OPS_JOIN_TD
include "dialect/Nanochat.td"

def Nanochat_JoinOp : Nanochat_Op<"join", [Pure, Structural, AttrSizedOperandSegments, StandsInHost]> {
  let summary = "Stacks, one after the other";
  let description = [{
    The `parts` (n₁, …), (n₂, …) … are those elements of the result (n₁ + n₂ + …, …), in that order. They are computed where the result
    lies, which copies nothing; whatever else is made elsewhere is copied.

    The result may take the memory of `over`, which is of its type: whoever makes an element reads none of `over` that others than
    itself have made by then.
    ```mlir
    %g = nanochat.join %first, %others over %sums : tensor<1x4xf32>, tensor<2x4xf32> over tensor<3x4xf32> -> tensor<3x4xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$parts, Optional<AnyRankedTensor>:$over);
  let results = (outs AnyRankedTensor:$whole);
  let assemblyFormat = "$parts (`over` $over^)? attr-dict `:` type($parts) (`over` type($over)^)? `->` type($whole)";
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_JOIN_TD
