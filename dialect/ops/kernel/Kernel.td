#ifndef NANOCHAT_OPS_KERNEL_TD
#define NANOCHAT_OPS_KERNEL_TD
include "dialect/Nanochat.td"
include "mlir/IR/SymbolInterfaces.td"

def Arena : I32EnumAttr<"Arena", "memory of one purpose; the numbers are those of runtime/Abi.h", [
    I32EnumAttrCase<"param", 0>, I32EnumAttrCase<"state", 1>, I32EnumAttrCase<"gradient", 2>,
    I32EnumAttrCase<"workspace", 3>, I32EnumAttrCase<"io", 4>, I32EnumAttrCase<"comm", 5>]> {
  let cppNamespace = "::mlir::nanochat";
}

def Nanochat_SlotOp : Nanochat_Op<"slot", [Pure, Structural]> {
  let summary = "A tensor's place in an arena";
  let description = [{
    The buffer at `offset` + Σ indices[i]·strides[i] bytes from the start of `arena`.
    ```mlir
    %x = nanochat.slot workspace at 4096 [%i] * [512] : memref<16x8xf32>
    ```
  }];
  let arguments = (ins Arena:$arena, I64Attr:$offset, Variadic<Index>:$indices, DenseI64ArrayAttr:$strides);
  let results = (outs MemRefRankOf<[AnyType], [0, 1, 2, 3, 4, 5, 6]>:$buffer);
  let assemblyFormat = "$arena `at` $offset `[` $indices `]` `*` $strides attr-dict `:` type($buffer)";
  let hasVerifier = 1;
}

def Nanochat_LaunchOp : Nanochat_Op<"launch", [Structural, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Runs all tasks of a kernel";
  let description = [{
    `buffers` are the inputs of a function with `nanochat.kernel`, then its outputs, emitted or not; an output may be the same
    slot as an input. Anything else, or buffers of other shapes or elements than the kernel's, are errors.
    ```mlir
    nanochat.launch @gemm_16x8(%x, %w, %y) : memref<16x4xf32>, memref<8x4xf32>, memref<16x8xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyMemRef>:$buffers);
  let assemblyFormat = "$kernel `(` $buffers `)` attr-dict (`:` type($buffers)^)?";
}

#endif // NANOCHAT_OPS_KERNEL_TD
