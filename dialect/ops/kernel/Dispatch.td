#ifndef NANOCHAT_OPS_DISPATCH_TD
#define NANOCHAT_OPS_DISPATCH_TD
include "dialect/Nanochat.td"

def DispatchClass : I32EnumAttr<"DispatchClass", "which emitter a dispatch needs", [
    I32EnumAttrCase<"pointwise", 0>, I32EnumAttrCase<"rowwise", 1>, I32EnumAttrCase<"gemm", 2>,
    I32EnumAttrCase<"attention", 3>, I32EnumAttrCase<"generic", 4>]> {
  let cppNamespace = "::mlir::nanochat";
}

def Nanochat_DispatchOp : Nanochat_Op<"dispatch", [Pure, Structural, IsolatedFromAbove, SingleBlock, StandsInHost]> {
  let summary = "One kernel: fused ops that run as a unit";
  let description = [{
    The body sees `inputs` as block arguments and yields one tensor per result. Where the results live is the memory
    planner's choice: result i may lie where input `inplace[i]` does, unless that is -1, because each element of that input is
    read only before, and only for, the element of the result that takes its place.
  }];
  let arguments = (ins DispatchClass:$kind, Variadic<AnyRankedTensor>:$inputs,
      DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$inplace, OptionalAttr<FlatSymbolRefAttr>:$kernel);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region MaxSizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_DISPATCH_TD
