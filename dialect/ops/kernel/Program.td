#ifndef NANOCHAT_OPS_PROGRAM_TD
#define NANOCHAT_OPS_PROGRAM_TD
include "dialect/ops/kernel/Contracts.td"
include "dialect/ops/kernel/Kernel.td"

def Nanochat_Fp4ProductAttr : AttrDef<Nanochat_Dialect, "Fp4Product"> {
  let summary = "A product of four-bit floats";
  let description = [{
    `site` names it; `k` is what it sums over. Its factors have `codes` codes, and `scales` bytes of scales; besides, `weights`
    ternary ones are its.
    ```mlir
    #nanochat.fp4_product<"layers.q.dx", k = 768, codes = 65536, scales = 2048, weights = 589824>
    ```
  }];
  let mnemonic = "fp4_product";
  let parameters = (ins StringRefParameter<"a site">:$site, "int64_t":$k, "int64_t":$codes, "int64_t":$scales, "int64_t":$weights);
  let assemblyFormat = "`<` $site `,` struct($k, $codes, $scales, $weights) `>`";
}
def Fp4Products : TypedArrayAttrBase<Nanochat_Fp4ProductAttr, "products of four-bit floats">;

def Nanochat_ProgramOp : Nanochat_Op<"program", [HasParent<"ModuleOp">, Structural, SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "What is known of the program that the module becomes";
  let description = [{
    Stages write down here what they know and later ones do not: `model` its name, sizes, `choices` of what is kept, parameters and vocabulary (`parameters_effective`:
    as many would do the same work unshared), `differentiate` the work of a training token and how many tokens of each sequence have gradients where a filter chooses (`kept_rows`), `optimize` a hash of the Step IR and its products of four-bit floats, `plan` the
    bytes of every arena, the bound tensors and, for readers of the plan, the temporary ones. One for each module.
    ```mlir
    nanochat.program "looplm" attributes {arenas = array<i64: 512, 0, 0, 64, 0, 0>, sizes = {batch = 2 : i64}, target = "x86-64-v3"} {
      nanochat.tensor <parameter, "embed"> in param at 0 : tensor<16x8xf32>
      nanochat.temporary @eval at 0 bytes 64 alive 4 to 9 : tensor<16xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$model, DefaultValuedAttr<DictionaryAttr, "{}">:$sizes,
      DefaultValuedAttr<StrAttr, "\"\"">:$target, DefaultValuedAttr<StrAttr, "\"\"">:$device, UnitAttr:$only_on_request,
      DefaultValuedAttr<StrAttr, "\"\"">:$choices, DefaultValuedAttr<StrAttr, "\"\"">:$ir_hash,
      DefaultValuedAttr<I64Attr, "0">:$vocab, DefaultValuedAttr<I64Attr, "0">:$flops_per_token,
      DefaultValuedAttr<I64Attr, "0">:$parameters_stored, DefaultValuedAttr<I64Attr, "0">:$parameters_effective,
      DefaultValuedAttr<I64Attr, "0">:$kept_rows,
      DefaultValuedAttr<Fp4Products, "{}">:$fp4_products, DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$arenas);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$model attr-dict-with-keyword $body";
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Nanochat_TensorOp : Nanochat_Op<"tensor", [HasParent<"ProgramOp">, Structural]> {
  let summary = "A tensor of the program that outlives its entries";
  let description = [{
    What entries are bound to, `offset` bytes from the start of the arena that belongs to its kind. Entries name tensors by
    their number in the program.
    ```mlir
    nanochat.tensor <parameter, "embed"> in param at 0 : tensor<16x8xf32>
    ```
  }];
  let arguments = (ins Nanochat_BindAttr:$bind, Arena:$arena, I64Attr:$offset, TypeAttrOf<AnyRankedTensor>:$type);
  let assemblyFormat = "$bind `in` $arena `at` $offset attr-dict `:` $type";
  let hasVerifier = 1;
}

def BufferUse : I32EnumAttr<"BufferUse", "what memory of the workspace is for", [
    I32EnumAttrCase<"workspace", 0>, I32EnumAttrCase<"working_copies", 1>, I32EnumAttrCase<"saved", 2>, I32EnumAttrCase<"head", 3>,
    I32EnumAttrCase<"communication", 4>]> {
  let cppNamespace = "::mlir::nanochat";
}

def Nanochat_TemporaryOp : Nanochat_Op<"temporary", [HasParent<"ProgramOp">, Structural]> {
  let summary = "Memory of the workspace that an entry uses for a while";
  let description = [{
    `bytes` at `offset` of the workspace, alive from step `first` to step `last` of the entry, first made for a value of
    `type`, by the ops that its location names. `use` is what for: `saved` where forward loops leave it for the gradient, `head` for logits and
    what else output heads make, `communication` what comes from other ranks, `working_copies` what follows from parameters alone, such as codes of weights.
    ```mlir
    nanochat.temporary @train.gradients at 128 bytes 64 alive 4 to 9 for saved : tensor<16xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$entry, I64Attr:$offset, I64Attr:$bytes, I64Attr:$first, I64Attr:$last,
      DefaultValuedAttr<BufferUse, "::mlir::nanochat::BufferUse::workspace">:$use, TypeAttrOf<AnyRankedTensor>:$type);
  let assemblyFormat = "$entry `at` $offset `bytes` $bytes `alive` $first `to` $last (`for` $use^)? attr-dict `:` $type";
  let hasVerifier = 1;
}

#endif // NANOCHAT_OPS_PROGRAM_TD
