#ifndef NANOCHAT_REFERENCE_PASSES_TD
#define NANOCHAT_REFERENCE_PASSES_TD
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

def WidenFloatsPass : Pass<"nanochat-widen-floats", "::mlir::ModuleOp"> {
  let summary = "All f32 becomes f64";
  let description = [{
    Types, attributes and constants, where the module's `nanochat.numerics` say `floats = f64`; integers stay, so that codes are
    rounded from doubles. For programs of the reference that are to tell rounding from error.
  }];
}

def BufferizePass : Pass<"nanochat-bufferize", "::mlir::ModuleOp"> {
  let summary = "From tensors to buffers the caller provides";
  let description = [{
    `(tensors) -> (tensors)` becomes `(memrefs, out memrefs) -> ()`. Inputs are only read; outputs are
    written after everything is computed, so an output may share its buffer with an input. Buffers in
    between are allocated at entry and freed at exit. Expects linalg, tensor, arith and scf. Not a pass
    on functions: constants become globals of the module.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect"];
}

def EmitPlainPass : Pass<"nanochat-emit-plain", "::mlir::ModuleOp"> {
  let summary = "Remaining kernels to plain loops";
  let description = [{
    Every kernel on tensors that no emitter took becomes the loops of its decomposition, one task each; for a target without a library
    of mathematics (a GPU) with functions as in emitted kernels.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

#endif
