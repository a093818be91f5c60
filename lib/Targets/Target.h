// A target is a row: what a chip has, and which emitters serve it. A row arrives whole, as an attribute of the module
// (TargetAttr): nothing outside this folder asks which target it compiles for.
#pragma once

#include "dialect/Numerics.h"
#include "dialect/StepIR.h"

namespace mlir::nanochat {

/// Facts of a CPU row, from which emitters derive tiles and instructions.
struct CpuFacts {
  int64_t vectorBits; // of the widest profitable vector
  int64_t vectorRegisters;
  bool vnni; // dot products that accumulate: u8 × s8 of 4, s16 × s16 of 2 (vpdpbusd, vpdpwssd)
  bool bf16; // dot products of 2 bf16 that accumulate in f32 (vdpbf16ps)
  int64_t l1Bytes, l2Bytes;
};

/// Facts of an NVIDIA row.
struct GpuFacts {
  std::string chip; // "sm_90a", as LLVM and ptxas call it
  int64_t ptx; // ISA version of its PTX, 86 for 8.6; by default the first that knows the chip, which most drivers take
  int64_t leastPtx;                       // that first version
  int64_t sharedBytes;                    // of a block at most
  int64_t multiprocessors;                // of the largest card: blocks that run at once
  std::string mma = "bf16+e4m3+int8+f32"; // formats of factors of its tensor cores' products, 16 × 8 over 32 bytes of
                                          // k; f32 as three tf32
  std::string gemmTile;                   // of all matrix products, as "128x128x3", instead of what suits each

  StringRef architecture() const { return StringRef(chip).rtrim("a"); }
  /// How many blocks a kernel is launched with: one for each task, or where they have scratch, which each has of its
  /// own, as many as run at once, kThreads threads on a multiprocessor.
  int64_t blocksOf(KernelAttr kernel) const;
  /// Have tensor cores products of such factors?
  bool multiplies(Format format) const { return llvm::is_contained(llvm::split(mma, '+'), stringifyFormat(format)); }
};

/// As the CPU of a target: the very one that compiles, which LLVM then tunes for.
inline constexpr StringLiteral kThisCpu = "native";

/// A compilation target.
struct Target {
  std::string name;             // "avx512-vnni"
  std::string cpu;              // LLVM's name of what code runs on, on a GPU row the host's part; or kThisCpu
  CpuFacts facts;               // read where kernels are emitted for a CPU
  std::optional<GpuFacts> gpu;  // kernels run there
  bool fuses = true;            // ops share kernels; the reference has one for each
  bool plain = false;           // kernels are plain loops from decompositions, whatever emitters there are
  bool emulated = false;        // kernels are for the GPU, but run on the CPU, instruction by instruction
  Numerics numerics;            // unless the user says otherwise
  double attentionError = 1e-5; // largest relative L2 error of attention against the reference
  double gradientError = 1e-4;  // and of gradients
  double factorError = 0x1p-24; // to which factors of f32 products are rounded

  /// Calls fn(name, value) for the facts that TargetAttr and options spell.
  template <typename Row, typename Fn> static void eachFact(Row &row, Fn fn) {
    fn("fuses", row.fuses), fn("plain", row.plain), fn("emulated", row.emulated), fn("cpu", row.cpu);
    if (row.gpu) {
      fn("ptx", row.gpu->ptx), fn("shared_bytes", row.gpu->sharedBytes);
      fn("multiprocessors", row.gpu->multiprocessors);
      fn("mma", row.gpu->mma), fn("gemm_tile", row.gpu->gemmTile);
      return;
    }
    fn("vector_bits", row.facts.vectorBits), fn("vector_registers", row.facts.vectorRegisters);
    fn("vnni", row.facts.vnni), fn("bf16", row.facts.bf16);
    fn("l1_bytes", row.facts.l1Bytes), fn("l2_bytes", row.facts.l2Bytes);
  }
  /// "sm_90" or, where facts differ from the table, "sm_90:multiprocessors=4:gemm_tile=64x64x3": what parseTarget
  /// reads.
  std::string spell() const;
  /// The name that its programs bear.
  std::string title() const;

  /// Instruction sets that emitters make use of because of the row's facts, by LLVM's names.
  SmallVector<StringRef> kernelInstructions() const;
  /// All instruction sets that code of the row may use: those, and what its CPU has.
  SmallVector<StringRef> instructions() const;
  /// What LLVM is to know beside the name of the CPU: "+avx512bf16".
  std::string features() const;

  /// Whether tensor cores multiply four-bit floats that are scaled in blocks, summed over `k` of them.
  bool multipliesFp4(int64_t k) const { return gpu && gpu->multiplies(Format::e2m1) && k % 32 == 0; }
  /// Whether weights are packed in panels, which are the CPU's.
  bool packs() const { return fuses && !gpu; }
  /// Whether kernels are code for a GPU in the end.
  bool onGpu() const { return gpu && !emulated; }
  /// Bytes of the device, or of this process's memory, for what no arena holds.
  int64_t reserveBytes() const { return onGpu() ? int64_t(500) << 20 : int64_t(2) << 20; }
  /// How many blocks run at once, which a product should be cut into; 1 where threads take tasks of any size.
  int64_t blocks() const { return gpu ? gpu->multiprocessors : 1; }
};

/// The row of that name or alias; `native` and `cpu` are the best one for this machine, or in its place the lesser one
/// that $NANOCHAT_NATIVE names, to see what happens on a machine that has no more. None if that names no row of this
/// machine.
std::optional<Target> findTarget(StringRef name);
/// All names, for messages.
std::string listTargets();
/// The row of a text that Target::spell writes; an error of `op` where it names no row or fact, or what no fact can be.
FailureOr<Target> parseTarget(Operation *op, StringRef text);
/// The row that the module of `op` is compiled for, or that of `text` where it is not empty, with the module's
/// numerics. An error of `op` if it is none.
FailureOr<Target> targetOf(Operation *op, StringRef text = "");

/// A kernel @k gets a wrapper @k.run with the ABI's signature and a constant @k.info that describes it.
inline constexpr StringLiteral kKernelRunSuffix = ".run";
inline constexpr StringLiteral kKernelInfoSuffix = ".info";

/// Leaves on the kernel why an emitter does not take it, and fails: `nanochat.declined`, until one does.
LogicalResult decline(func::FuncOp kernel, const Twine &why);
/// Results of a product's kernel are stored beside the product, element by element.
inline constexpr const char *kOtherShape = "a result has another shape than the product";

/// Rewrites a kernel from its meaning on tensors
///   func.func private @k(%in...: tensor) -> (tensor...)      {nanochat.kernel}
/// to loops on buffers
///   func.func private @k(%in...: memref, %out...: memref, %task: index, %scratch: memref<Sxi8>)
/// with the tasks and the S bytes of scratch in its nanochat.kernel. Static shapes, row-major; all buffers are
/// bare pointers at the ABI. For a GPU, to what a block of threads does as a task, with another argument `%shared:
/// memref<Bxi8, 3>`; the threads of a block and B are in its nanochat.kernel. Where the emitter does not support the
/// body it says why (`decline`), or nothing where kernels of the kind are not its own.
using EmitKernel = LogicalResult (*)(func::FuncOp kernel, const Target &row);

LogicalResult emitRowwise(func::FuncOp kernel, const Target &row); // also pointwise
LogicalResult emitGemm(func::FuncOp kernel, const Target &row);
LogicalResult emitAttention(func::FuncOp kernel, const Target &row);
LogicalResult emitPackPanels(func::FuncOp kernel, const Target &row);
LogicalResult emitEmbeddingGrad(func::FuncOp kernel, const Target &row);
LogicalResult emitFp4(func::FuncOp kernel, const Target &row); // transforms and quantisers
LogicalResult emitQuantizeStochastic(func::FuncOp kernel, const Target &row);
/// Conversions of vectors to bf16 in an emitted kernel become the target's instructions.
LogicalResult roundNatively(func::FuncOp kernel, const CpuFacts &facts);
/// By the first emitter that the row has for the kernel's class and that supports it.
LogicalResult emitKernel(func::FuncOp kernel, const Target &row);
/// Any body, through its decompositions and bufferisation; one task. The reference's only emitter.
LogicalResult emitPlain(func::FuncOp kernel);

} // namespace mlir::nanochat
