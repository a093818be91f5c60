// What `train --dump-dispatches` recorded of one step; see runtime/program/DispatchRecorder.h.
#pragma once

#include "dialect/StepIR.h"
#include "lib/Replay/TensorFile.h"

namespace mlir::nanochat {

/// What a program says about where it comes from.
struct ProgramIdentity {
  std::string model, target, irHash;
};

class Record {
public:
  /// Opens the record of a step of `fused`, a module after stage `fuse`; fails, with an error, where the
  /// folder holds none or that of another program.
  static FailureOr<Record> open(StringRef folder, ModuleOp fused, const ProgramIdentity &program);

  /// The two entries of a step: gradients, update.
  ArrayRef<func::FuncOp> getEntries() const { return entries; }

  /// What the kernel call of that number read (in0...) and wrote (out0...).
  FailureOr<TensorFile> openCall(int64_t number, StringRef kernel) const;
  /// Arguments before an entry of that name ran, and results after it, by what they are bound to.
  FailureOr<SmallVector<Tensor>> readArguments(func::FuncOp entry) const;
  FailureOr<SmallVector<Tensor>> readResults(func::FuncOp entry) const;

private:
  FailureOr<TensorFile> openEntry(StringRef entry, StringRef when) const;
  LogicalResult checkIdentity(const ProgramIdentity &program) const;

  std::string folder;
  SmallVector<func::FuncOp> entries;
};

} // namespace mlir::nanochat
