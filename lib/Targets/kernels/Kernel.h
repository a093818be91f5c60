// The shell of an emitted kernel: its signature on buffers, its tasks and its scratch.
#pragma once

#include "lib/Targets/Target.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::nanochat {

/// Builds the buffer form of a kernel beside its tensor form, which it replaces if all goes well.
class Kernel {
public:
  /// A task is run by one thread of a CPU, or by a block of `threads` of a GPU.
  explicit Kernel(func::FuncOp source, int64_t threads = 0);
  ~Kernel();

  func::FuncOp source;
  ImplicitLocOpBuilder b; // in the new body
  SmallVector<Value> inputs, outputs;
  /// The buffer of `argument`, one of the source's.
  Value inputOf(Value argument) { return inputs[cast<BlockArgument>(argument).getArgNumber()]; }
  /// The buffer that the kernel is to leave `value` in; null where it returns no such.
  Value outputOf(Value value);
  Value task;

  /// The buffer in the shape of a tensor that is its own or its flattened one.
  Value shaped(Value buffer, Type tensor);
  /// A buffer in the scratch of the thread, 64-byte aligned; uninitialised.
  Value scratch(ArrayRef<int64_t> shape, Type element);
  /// A buffer that all threads of a GPU block share, 128-byte aligned; uninitialised.
  Value shared(ArrayRef<int64_t> shape, Type element);
  int64_t bytesShared() const { return sharedBytes; }
  /// Replaces the source by what was built.
  void finish(int64_t tasks);

private:
  func::FuncOp built;
  Value scratchArgument, sharedArgument;
  int64_t threads, scratchBytes = 0, sharedBytes = 0;
  bool finished = false;
};

using Carried = SmallVector<Value>;
/// for iv = lo to hi by step, with carried values; body returns the next ones. Returns the last.
Carried forLoop(ImplicitLocOpBuilder &b, Value lo, Value hi, int64_t step, ValueRange init,
                llvm::function_ref<Carried(Value iv, ValueRange carried)> body);
/// if (lhs == rhs) body.
void ifEqual(ImplicitLocOpBuilder &b, Value lhs, int64_t rhs, llvm::function_ref<void()> body);
inline Value constantIndex(ImplicitLocOpBuilder &b, int64_t value) { return arith::ConstantIndexOp::create(b, value); }

/// The op of a kernel's body, if there is but one, it takes arguments only and no result is returned twice; else null.
Operation *onlyOp(func::FuncOp kernel);

/// Replaces math functions of the kernel by polynomials of ~1 ulp that need no library, the same for
/// scalars and vectors.
LogicalResult expandMath(func::FuncOp kernel);

} // namespace mlir::nanochat
