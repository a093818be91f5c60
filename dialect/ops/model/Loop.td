#ifndef NANOCHAT_OPS_LOOP_TD
#define NANOCHAT_OPS_LOOP_TD
include "dialect/Nanochat.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def Recompute : I32EnumAttr<"Recompute", "which forward values a loop keeps for its gradient", [
    I32EnumAttrCase<"nothing", 0>, I32EnumAttrCase<"cheap", 1>, I32EnumAttrCase<"body", 2>]> {
  let cppNamespace = "::mlir::nanochat";
}

def Nanochat_LoopOp : Nanochat_Op<"loop", [AttrSizedOperandSegments, RecursiveMemoryEffects,
    RecursivelySpeculatable, SingleBlock, Decomposes, HasVjp, StandsInHost,
    DeclareOpInterfaceMethods<AcrossTokensOpInterface, ["buildKeptVJP"]>]> {
  let summary = "A rolled scan over stacked layers, LoopLM steps or chunks";
  let description = [{
    Runs the body `count` times. `carry` values pass from one iteration to the next; `slice` operands
    are stacked along dimension 0 and iteration i sees element i; values the body stacks come back
    stacked. Values of the enclosing scope may be used directly: weights shared over iterations are.
    With `reverse`, iterations run from count-1 to 0, and slices and stacks keep their index.

    A loop may run over a part of what it slices: with `from` f, iteration i sees element f + i of every slice operand,
    of f + count elements or more, and stacks what it makes at i.
    ```mlir
    %s = nanochat.loop "layers" = 2 from 1 slice(%w = %W : tensor<4x8xf32>) { ... } // elements 1 and 2
    ```

    `recompute` states what the gradient of the loop keeps of each iteration: `nothing` is recomputed
    (every residual is stacked), `cheap` recomputes pointwise, norm and quantise ops from the results
    of linears and attention, `body` keeps only the carried values. Gradients are the same bits.

    ```mlir
    %y = nanochat.loop "layers" = 24 carry(%x = %h : tensor<64x32xf32>)
                                     slice(%w = %W : tensor<24x32x32xf32>) recompute(body) {
      %z = nanochat.linear %x, %w : tensor<64x32xf32>, tensor<32x32xf32>
      nanochat.yield %z : tensor<64x32xf32>
    }
    ```
    Results: the last carried values, then the stacks.

    With a `limit` (rank-0 i32) it runs min(count, limit) times, known when the loop begins; it then has no
    slices and no stacks, and no gradient. Not at all where the limit is 0: carried values stay what they are.
    ```mlir
    %p = nanochat.loop "refresh" = 1 carry(%b = %basis : tensor<8x2xf32>) limit(%due) { ... }
    ```
  }];
  let arguments = (ins Word:$loop_name, Count:$count,
      OptionalAttr<ConfinedAttr<I64Attr, [IntNonNegative]>>:$from,
      Variadic<AnyRankedTensor>:$inits, Variadic<AnyRankedTensor>:$slices,
      Optional<TensorRankOf<[I32], [0]>>:$limit,
      DefaultValuedAttr<SizedOf<Recompute>, "::mlir::nanochat::Recompute::nothing">:$recompute,
      UnitAttr:$reverse);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "int64_t":$count,
      "::mlir::ValueRange":$inits, "::mlir::ValueRange":$slices, "bool":$reverse, "::mlir::nanochat::LoopBody":$body)>];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    unsigned getNumCarries() { return getInits().size(); }
    ::mlir::ResultRange getCarryResults() { return getResults().take_front(getNumCarries()); }
    ::mlir::ResultRange getStackResults() { return getResults().drop_front(getNumCarries()); }
    ::llvm::ArrayRef<::mlir::BlockArgument> getCarryArgs();
    ::llvm::ArrayRef<::mlir::BlockArgument> getSliceArgs();
    YieldOp getYield();
    /// The element of slice operands that the first of the iterations, or with `reverse` the last, sees.
    int64_t getFirst() { return getFrom().value_or(0); }
    /// The stack that `value` is a slice of, in the body; null if it is none.
    ::mlir::Value getSlicedStack(::mlir::Value value);
    /// What a loop stacks to make `value`; null if that is no stack of a loop.
    static ::mlir::Value getStackedElement(::mlir::Value value);
    /// The type of a stack of `count` values of type `type`, and of one slice of `type`.
    ::mlir::RankedTensorType stackOf(::mlir::Type type);
    static ::mlir::RankedTensorType sliceOf(::mlir::Type type);
    /// Rebuilds the op with its body moved over, result types following from the terminator, after
    /// operands, block arguments and yields were changed; results are not replaced.
    LoopOp rebuild(::mlir::RewriterBase &rewriter, ::mlir::ValueRange inits, ::mlir::ValueRange slices);
    /// Adds `value`, defined in the body, to the stacks and returns the loop that replaces this one
    /// with all its uses; the new stack is its last result.
    LoopOp appendStacks(::mlir::RewriterBase &rewriter, ::mlir::ValueRange values);
    /// Puts two loops in its place: of its first `count` iterations, in the order in which they run, and of the others.
    /// Its stacks become joins of theirs.
    std::pair<LoopOp, LoopOp> split(::mlir::RewriterBase &rewriter, int64_t count);
  }];
}

def Nanochat_YieldOp : Nanochat_Op<"yield", [AttrSizedOperandSegments, Pure, Structural, Terminator, ReturnLike,
    ParentOneOf<["LoopOp", "DispatchOp", "Fp4RegionOp"]>]> {
  let summary = "Ends an iteration: the carried values, then what is stacked";
  let arguments = (ins Variadic<AnyRankedTensor>:$values, Variadic<AnyRankedTensor>:$stacks);
  let assemblyFormat = [{
    ($values^ `` custom<ListTypes>(ref($values), type($values)))?
    (`stack` $stacks^ `` custom<ListTypes>(ref($stacks), type($stacks)))? attr-dict
  }];
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange(), ::mlir::ValueRange()); }]>];
}

#endif // NANOCHAT_OPS_LOOP_TD
