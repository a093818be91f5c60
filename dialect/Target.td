#ifndef NANOCHAT_TARGET_TD
#define NANOCHAT_TARGET_TD
include "dialect/Nanochat.td"
include "dialect/Formats.td"

def Nanochat_TargetAttr : AttrDef<Nanochat_Dialect, "Target"> {
  let summary = "What a module is compiled for";
  let description = [{
    A row of the table in lib/Targets/Target.cpp, and the facts that differ from it: `#nanochat.target<"sm_90">`,
    `#nanochat.target<"x86-64-v3:vnni=true:l2_bytes=1048576">`. `nanochat.target` of the module holds it; whoever reads it says
    at the module what is no row or fact.
  }];
  let mnemonic = "target";
  let parameters = (ins StringRefParameter<"row:fact=value:...">:$row);
  let assemblyFormat = "`<` $row `>`";
}

def Nanochat_NumericsAttr : AttrDef<Nanochat_Dialect, "Numerics"> {
  let summary = "What a program rounds to what";
  let description = [{
    `backward` is what gradients of ternary linears are computed in that leave it to the target: f32 or int16. `dense` and
    `attention` are what factors of float products are rounded to, and of those within attention: f32 or a narrower float.
    `floats` are all others: f32, or f64 to tell rounding from error. `nanochat.numerics` of the module holds it; without, all are f32.
    ```mlir
    module attributes {nanochat.numerics = #nanochat.numerics<backward = int16, dense = f32, attention = f32, floats = f32>} {
    ```
  }];
  let mnemonic = "numerics";
  let parameters = (ins EnumParameter<Format>:$backward, EnumParameter<Format>:$dense, EnumParameter<Format>:$attention,
      EnumParameter<Format>:$floats);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif
