#ifndef NANOCHAT_LOWERING_PASSES_TD
#define NANOCHAT_LOWERING_PASSES_TD
include "mlir/Pass/PassBase.td"

def DecomposePass : Pass<"nanochat-decompose"> {
  let summary = "Replaces compute ops by what they mean";
  let description = [{
    Replaces every op of the dialect that has a decomposition by it, and what that is made of in turn,
    until linalg, arith, math, tensor and scf are left. `nanochat.loop` becomes `scf.for`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def LaneSumsPass : Pass<"nanochat-lane-sums"> {
  let summary = "Adds up rows in the order of emitted kernels";
  let description = [{
    Float sums over the last dimension of a linalg.generic become 16 interleaved partial sums and a tree of
    four levels: emitted kernels of every vector width do so, and the same order gives the same bits.
    Products of matrices and other reductions stay.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"];
}

def WidenFloatsPass : Pass<"nanochat-widen-floats"> {
  let summary = "All f32 becomes f64";
  let description = [{
    Types, attributes and constants; integers stay, so that codes are rounded from doubles. For programs of the
    reference that are to tell rounding from error.
  }];
}

def LowerHostPass : Pass<"nanochat-lower-host", "::mlir::ModuleOp"> {
  let summary = "Lower host functions to the runtime ABI";
  let description = [{
    Entries become functions of (context, arenas); slots become addresses, launches calls of
    nc_dispatch. Every emitted kernel @k gets @k.run with the signature of an nc_kernel, or for a GPU of what is launched
    there, and the declaration of @k.info, which the program descriptor defines after translation.
  }];
  let options = [Option<"gpu", "gpu", "bool", "false", "Kernels run on an NVIDIA GPU">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

#endif
