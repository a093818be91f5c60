// A target is a row: what a chip has, and which emitters serve it. Nothing outside this folder asks
// which target it compiles for.
#ifndef NANOCHAT_LIB_TARGETS_TARGET_H
#define NANOCHAT_LIB_TARGETS_TARGET_H

#include "dialect/StepIR.h"

namespace mlir::nanochat {

/// Facts of a CPU row, from which emitters derive tiles and instructions.
struct CpuFacts {
  int64_t vectorBits = 512;    // of the widest profitable vector
  int64_t vectorRegisters = 32;
  bool vnni = false;           // dot products that accumulate: u8 × s8 of 4, s16 × s16 of 2 (vpdpbusd, vpdpwssd)
  bool bf16 = false;           // dot products of 2 bf16 that accumulate in f32 (vdpbf16ps)
  int64_t l1Bytes = 32 << 10, l2Bytes = 1 << 20;

  /// Those of a CPU of which only this is known.
  static CpuFacts of(int64_t vectorBits, bool vnni, bool bf16) {
    return {vectorBits, vectorBits == 512 ? 32 : 16, vnni, bf16};
  }
};

/// Facts of an NVIDIA row.
struct GpuFacts {
  std::string chip;        // "sm_90a", as LLVM and ptxas call it
  int64_t ptx;             // ISA version of its PTX, 86 for 8.6; by default the first that knows the chip, which most drivers take
  int64_t leastPtx;        // that first version
  int64_t sharedBytes;     // of a block at most
  int64_t multiprocessors; // of the largest card: blocks that run at once
  std::string gemmTile;    // of all matrix products, as "128x128x3", instead of what suits each

  StringRef architecture() const { return StringRef(chip).rtrim("a"); }
};

/// A compilation target.
struct Target {
  std::string name;            // "avx512-vnni"
  std::string cpu, features;   // for LLVM's code generator; on a GPU row of the host's part
  CpuFacts facts;
  bool reference = false;      // plain loops from decompositions, no fusion
  std::optional<GpuFacts> gpu; // kernels run there
  bool emulated = false;       // kernels are for the GPU, but run on the CPU, instruction by instruction
  std::string backward;        // precision of the gradients of ternary linears that leave it to the target
  // Relative L2 errors of results against the reference: of attention, whose probabilities a GPU rounds to bf16, and of gradients.
  double attentionError = 1e-5, gradientError = 1e-4;
  std::string dense = "f32";   // what factors of float products are rounded to unless the user says otherwise

  Target(std::string name, std::string cpu, std::string features, CpuFacts facts, bool reference = false)
      : name(std::move(name)), cpu(std::move(cpu)), features(std::move(features)), facts(facts), reference(reference),
        backward(reference ? "f32" : "int16") {}
  Target(std::string name, GpuFacts gpu)
      : name(std::move(name)), cpu("x86-64-v3"), gpu(std::move(gpu)), backward("f32"), attentionError(4e-3), gradientError(2e-3), dense("bf16") {}

  /// Whether weights are packed in panels, which are the CPU's.
  bool packs() const { return !reference && !gpu; }
  /// Whether kernels are code for a GPU in the end.
  bool onGpu() const { return gpu && !emulated; }
};

/// The row of that name or alias; `native` and `cpu` are the best one for this machine, or in its place the lesser one
/// that $NANOCHAT_NATIVE names, to see what happens on a machine that has no more. None if that names no row of this machine.
std::optional<Target> findTarget(StringRef name);
/// All names, for messages.
std::string listTargets();

/// A kernel @k gets a wrapper @k.run with the ABI's signature and a constant @k.info that describes it.
inline constexpr StringLiteral kKernelRunSuffix = ".run";
inline constexpr StringLiteral kKernelInfoSuffix = ".info";

/// Rewrites a kernel from its meaning on tensors
///   func.func private @k(%in...: tensor) -> (tensor...)      {nanochat.kernel}
/// to loops on buffers
///   func.func private @k(%in...: memref, %out...: memref, %task: index, %scratch: memref<Sxi8>)
/// with the tasks and the S bytes of scratch in its nanochat.kernel. Static shapes, row-major; all buffers are
/// bare pointers at the ABI. Fails, without an error, where the emitter does not support the body.
using EmitKernel = LogicalResult (*)(func::FuncOp kernel, const CpuFacts &facts);

LogicalResult emitRowwise(func::FuncOp kernel, const CpuFacts &facts); // also pointwise
LogicalResult emitGemm(func::FuncOp kernel, const CpuFacts &facts);
LogicalResult emitAttention(func::FuncOp kernel, const CpuFacts &facts);
LogicalResult emitPackPanels(func::FuncOp kernel, const CpuFacts &facts);
LogicalResult emitEmbeddingGrad(func::FuncOp kernel, const CpuFacts &facts);
/// Conversions of vectors to bf16 in an emitted kernel become the target's instructions.
LogicalResult roundNatively(func::FuncOp kernel, const CpuFacts &facts);
/// By the first emitter of the kernel's class that supports it.
LogicalResult emitKernel(func::FuncOp kernel, const CpuFacts &facts);
/// As emitKernel, to what a block of GPU threads does as a task, with another argument `%shared: memref<Bxi8, 3>`;
/// the threads of a block and B are in its nanochat.kernel.
LogicalResult emitGpuKernel(func::FuncOp kernel, const GpuFacts &facts);
/// Any body, through its decompositions and bufferisation; one task. The reference's only emitter.
LogicalResult emitPlain(func::FuncOp kernel, const CpuFacts &facts);

} // namespace mlir::nanochat
#endif
