// Tensor cores by mma.sync, which all our GPU targets have: fragments of 16 × 8 products over 32 bytes of k.
#pragma once

#include "dialect/Formats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::nanochat {

/// The element type of factors in shared memory: integers, where LLVM would convert what it takes for floats. And how
/// many elements 16 bytes hold.
Type storedAs(Format type, Builder &b);
inline int64_t perChunk(Format type) { return 128 / factsOf(type).bits; }

/// The format of both factors of a multiplication on tensor cores, which NVVM has two ops for and intrinsics.
std::optional<Format> mmaFormat(Operation *op);

/// 32-bit arithmetic and shared memory, as emitters of GPU kernels write it.
class GpuBuilder {
public:
  explicit GpuBuilder(ImplicitLocOpBuilder &b) : b(b) {}
  ImplicitLocOpBuilder &b;

  Value i32(int64_t value) { return arith::ConstantOp::create(b, b.getI32IntegerAttr(int32_t(value))); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value add(Value x, int64_t y) { return y ? add(x, i32(y)) : x; }
  Value mul(Value x, int64_t y) { return arith::MulIOp::create(b, x, i32(y)); }
  Value div(Value x, int64_t y) { return y == 1 ? x : Value(arith::DivUIOp::create(b, x, i32(y))); }
  Value rem(Value x, int64_t y) { return arith::RemUIOp::create(b, x, i32(y)); }
  Value bitXor(Value x, Value y) { return arith::XOrIOp::create(b, x, y); }
  Value less(Value x, Value y) { return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, y); }
  Value index(Value x) { return arith::IndexCastOp::create(b, b.getIndexType(), x); }
  Value narrow(Value index) { return arith::IndexCastOp::create(b, b.getI32Type(), index); }
  Value thread() { return NVVM::ThreadIdXOp::create(b, b.getI32Type()); }

  /// shfl.sync.bfly: the value of the thread whose lane is this one xor `lanes`; all threads of the warp take part.
  Value fromLane(Value number, int64_t lanes) {
    return NVVM::ShflOp::create(b, b.getF32Type(), i32(-1), number, i32(lanes), i32(31), NVVM::ShflKind::bfly,
                                UnitAttr());
  }

  /// The address of a buffer of identity layout, in its own memory space, and `bytes` behind an address.
  Value pointer(Value memref);
  Value behind(Value pointer, Value bytes);
  /// The address of an element of `bytes` each, by its index.
  Value element(Value pointer, Value index, int64_t bytes);

  /// Copies 16 bytes, or 4, to shared memory, or clears them where `valid` is false.
  void copyAsync(Value to, Value from, Value valid, int64_t bytes = 16);
  void commit();
  void waitFor(int64_t groups);
  void barrier() { NVVM::BarrierOp::create(b); }

  /// Four 8 × 8 matrices of 16 bits, or two; each lane names a row of 16 bytes.
  SmallVector<Value> loadMatrices(Value row, int64_t count, bool transposed);

  /// sum + a·b of fragments: 4 and 2 words, 4 sums. Products of f32 are three of tf32 (3xTF32): of the high parts of
  /// both factors, and of each high part with the other's low part.
  SmallVector<Value> multiply(Format type, ValueRange a, ValueRange b, ValueRange sum);

  /// Four bytes of scales of which an instruction takes those from `first` on: two of blocks of 32, all of 16. They are
  /// those of the row or column `ofScales` of the thread; others than the first two and the first of four threads are
  /// not read.
  struct Scales {
    Value word;
    int64_t first;
  };
  /// The same of pairs of E2M1 scaled in blocks, 64 of k (PTX ISA 9.7.14.3).
  SmallVector<Value> multiplyScaled(Fp4Format format, ValueRange a, ValueRange b, ValueRange sum, Scales ofA,
                                    Scales ofB);
  /// The row of 16 of a, or column of 8 of b, whose scales this thread holds.
  Value rowOfScales(bool isA);

private:
  SmallVector<Value> multiplyOnce(Format type, ValueRange a, ValueRange b, ValueRange sum);
  SmallVector<Value> unpack(Value structure, int64_t count);
  Value highPart(Value word);
  Value lowPart(Value word, Value high);
};

} // namespace mlir::nanochat
