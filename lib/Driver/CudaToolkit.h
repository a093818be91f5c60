// NVIDIA's assembler and mathematical library, which are found at run time or not at all.
#pragma once

#include "lib/Targets/Target.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mlir::nanochat {

/// Where no temporary file can be written, members throw nc::Error.
class CudaToolkit {
public:
  /// Takes $NANOCHAT_PTXAS if that is set, else looks in $CUDA_HOME, $CUDA_PATH, $CUDA_ROOT, $PATH and /usr/local/cuda.
  static CudaToolkit find();

  bool hasPtxas() const { return !ptxas.empty(); }
  /// The path and version of ptxas, of which everything it assembles depends; "" if there is none.
  std::string describe() const { return ptxas + " " + version; }
  /// libdevice.10.bc; "" if there is none.
  std::string libdevice() const;

  /// Whether LLVM and ptxas know the chip's PTX of that version; else an error at `loc`.
  LogicalResult check(Location loc, const GpuFacts &facts) const;
  /// The machine code of PTX text. On failure an error with what ptxas said was emitted at `loc`.
  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> assemble(Location loc, StringRef ptx, const GpuFacts &facts) const;

private:
  std::string ptxas, version; // version: "13.0"
  int64_t ptx = 0;            // the highest it knows
};

} // namespace mlir::nanochat
