#ifndef NANOCHAT_OPS_EXCHANGE_TD
#define NANOCHAT_OPS_EXCHANGE_TD
include "dialect/Nanochat.td"

// What ranks of a program exchange: bytes. What they mean is for kernels to say, which add them.

def Collective : I32EnumAttr<"Collective", "what ranks do with bytes; the numbers are those of runtime/Abi.h", [
    I32EnumAttrCase<"all_to_all", 0>, I32EnumAttrCase<"all_gather", 1>, I32EnumAttrCase<"broadcast", 2>]> {
  let cppNamespace = "::mlir::nanochat";
}
/// What exchanges that are under way at a time have one each of.
def Lane : ConfinedAttr<I64Attr, [IntNonNegative, IntMaxValue<31>]>;

def Nanochat_ExchangeStartOp : Nanochat_Op<"exchange_start", [Structural, MemoryEffects<[MemRead, MemWrite]>, StandsInHost]> {
  let summary = "Ranks begin to exchange tensors";
  let description = [{
    All R ranks start the same exchanges in the same order, on a `lane` that has none under way. Nobody reads the result,
    or writes over `x`, before `exchange_done`.

    With `members` m the ranks exchange in groups of m, within which they are numbered: every `stride`-th of m·`stride` consecutive ranks. R stands for m then.

    `all_to_all`: x (n elements) is cut into R pieces of p elements, of which the last are shorter or empty where R·p > n; piece r goes to
    rank r. The result (R, …) has p elements in each row, that of rank r in row r. What a short piece leaves of its row is zeros.

    `all_gather`: x is a piece of p elements; the result has n ≤ R·p, those from r·p on from rank r.

    `broadcast`: the result is x of rank 0.

    With `ahead`, x is a slice of the loop around, and what goes is the slice of the next iteration; in the last one, that of the first.

    The result may take the memory of `over`, which is of its type and which nothing reads afterwards.
    ```mlir
    %y = nanochat.exchange_start all_to_all %g lane 0 : tensor<5xf32> -> tensor<2x3xf32>
    %all = nanochat.exchange_start all_gather %sum lane 1 over %g : tensor<3xf32> over tensor<5xf32> -> tensor<5xf32>
    %own = nanochat.exchange_start all_gather %part lane 2 members 2 by 4 : tensor<3xf32> -> tensor<6xf32>
    ```
  }];
  let arguments = (ins Collective:$collective, AnyRankedTensor:$x, Lane:$lane, Optional<AnyRankedTensor>:$over,
      UnitAttr:$ahead, DefaultValuedAttr<Natural, "0">:$members, DefaultValuedAttr<Count, "1">:$stride);
  let results = (outs AnyRankedTensor:$y);
  let assemblyFormat = [{
    $collective $x (`ahead` $ahead^)? `lane` $lane (`members` $members^ (`by` $stride^)?)? (`over` $over^)? attr-dict
    `:` type($x) (`over` type($over)^)? `->` type($y)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Bytes that go from one rank to one other, at most.
    int64_t getPieceBytes();
    /// Bytes of what is cut into pieces, or made of them.
    int64_t getTotalBytes();
  }];
}

def Nanochat_ExchangeDoneOp : Nanochat_Op<"exchange_done", [Structural, AllTypesMatch<["y", "z"]>, MemoryEffects<[MemRead, MemWrite]>, StandsInHost]> {
  let summary = "What ranks exchange has arrived";
  let description = [{
    Waits for the exchange that `exchange_start` made `y` with, of which it names the source `x` too: both must stay as they are until then.
    The result is `y`, to be read.
    ```mlir
    %z = nanochat.exchange_done %y, %g : tensor<2x3xf32>, tensor<5xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$y, AnyRankedTensor:$x);
  let results = (outs AnyRankedTensor:$z);
  let assemblyFormat = "$y `,` $x attr-dict `:` type($y) `,` type($x)";
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::nanochat::ExchangeStartOp":$start), [{ build($_builder, $_state, start.getY().getType(), start.getY(), start.getX()); }]>];
  let extraClassDeclaration = [{
    /// What began it.
    ::mlir::nanochat::ExchangeStartOp getStart();
  }];
}

def Nanochat_StartOp : Nanochat_Op<"start", [Structural]> {
  let summary = "Starts an exchange on buffers";
  let description = [{
    What `exchange_start` is once tensors have places: `bytes` of a piece, `total` of all of them; `members` 0 are all ranks.
    ```mlir
    nanochat.start all_to_all %g, %y lane 0 pieces 12 of 20 : memref<5xf32>, memref<2x3xf32>
    ```
  }];
  let arguments = (ins Collective:$collective, AnyMemRef:$from, AnyMemRef:$to, Lane:$lane, I64Attr:$bytes, I64Attr:$total,
      DefaultValuedAttr<Natural, "0">:$members, DefaultValuedAttr<Count, "1">:$stride);
  let assemblyFormat = [{
    $collective $from `,` $to `lane` $lane (`members` $members^ (`by` $stride^)?)? `pieces` $bytes `of` $total attr-dict
    `:` type($from) `,` type($to)
  }];
  let hasVerifier = 1;
}

def Nanochat_FinishOp : Nanochat_Op<"finish", [Structural]> {
  let summary = "Waits for an exchange on buffers";
  let description = [{
    ```mlir
    nanochat.finish lane 0
    ```
  }];
  let arguments = (ins Lane:$lane);
  let assemblyFormat = "`lane` $lane attr-dict";
}

#endif // NANOCHAT_OPS_EXCHANGE_TD
