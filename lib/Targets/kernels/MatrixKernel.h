// What kernels that turn matrices into codes share: vectors of them, and random words.
#pragma once

#include "dialect/ops/quantize/Random.h"
#include "lib/Targets/kernels/Kernel.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir::nanochat {

/// A kernel that reads a matrix (rows, columns) in vectors of f32.
struct MatrixKernel {
  MatrixKernel(func::FuncOp source, RankedTensorType type, const Target &target)
      : kernel(source), b(kernel.b), rows(type.getDimSize(0)), columns(type.getDimSize(1)),
        lanes(target.facts.vectorBits / 32) {}

  VectorType vectorOf(Type element) { return VectorType::get({lanes}, element); }
  Value plus(Value x, int64_t y) { return y ? arith::AddIOp::create(b, x, constantIndex(b, y)) : x; }
  Value times(Value x, int64_t y) { return arith::MulIOp::create(b, x, constantIndex(b, y)); }
  Value splat(Value x) { return vector::BroadcastOp::create(b, vectorOf(x.getType()), x); }

  Value load(Value buffer, Value row, Value column, Value mask = {}) {
    VectorType type = vectorOf(cast<MemRefType>(buffer.getType()).getElementType());
    if (!mask)
      return vector::LoadOp::create(b, type, buffer, ValueRange{row, column});
    Value none = arith::ConstantOp::create(b, b.getZeroAttr(type));
    return vector::MaskedLoadOp::create(b, type, buffer, ValueRange{row, column}, mask, none);
  }
  /// Nothing where the buffer is null.
  void store(Value vector, Value buffer, Value row, Value column, Value mask = {}) {
    if (!buffer)
      return;
    if (mask)
      vector::MaskedStoreOp::create(b, buffer, ValueRange{row, column}, mask, vector);
    else
      vector::StoreOp::create(b, vector, buffer, ValueRange{row, column});
  }

  /// A 64th of the rows, or one, for each task: fn(row).
  void eachRow(llvm::function_ref<void(Value)> fn) {
    int64_t perTask = std::max<int64_t>(llvm::divideCeil(rows, 64), 1);
    Value first = times(kernel.task, perTask);
    Value end = arith::MinUIOp::create(b, plus(first, perTask), constantIndex(b, rows));
    forLoop(b, first, end, 1, {}, [&](Value row, ValueRange) -> Carried {
      fn(row);
      return {};
    });
    kernel.finish(llvm::divideCeil(rows, perTask));
  }

  /// Reads the address of random numbers from its buffer.
  void loadAddress(Value buffer) {
    for (int64_t i = 0; i < 5; ++i)
      address.push_back(memref::LoadOp::create(b, buffer, ValueRange{constantIndex(b, i)}));
  }
  /// The random words of `lanes` consecutive blocks from `number` on.
  std::array<Value, 4> draw(Value number) {
    Value first = arith::IndexCastOp::create(b, b.getI32Type(), number);
    SmallVector<int32_t> steps = llvm::to_vector(llvm::seq<int32_t>(0, lanes));
    Value rising = arith::ConstantOp::create(b, DenseElementsAttr::get(vectorOf(b.getI32Type()), ArrayRef(steps)));
    return philox(
        b, {arith::AddIOp::create(b, splat(first), rising), splat(address[3]), splat(address[2]), splat(address[4])},
        {splat(address[0]), splat(address[1])});
  }

  /// The random bits of lanes · kHalves consecutive numbers of a row.
  Value drawHalves(Value row, Value column) {
    Value eight = arith::DivUIOp::create(b, column, constantIndex(b, kHalves));
    auto words = draw(arith::AddIOp::create(b, times(row, llvm::divideCeil(columns, kHalves)), eight));
    Value even = vector::InterleaveOp::create(b, words[0], words[2]),
          odd = vector::InterleaveOp::create(b, words[1], words[3]);
    Value inOrder = vector::InterleaveOp::create(b, even, odd);
    return vector::BitCastOp::create(b, VectorType::get({lanes * kHalves}, b.getI16Type()), inOrder);
  }

  /// Number i of the vectors that lie side by side in `halves`, in 32 bits.
  Value halvesOf(Value halves, int64_t i) {
    Value own = vector::ExtractStridedSliceOp::create(b, halves, ArrayRef<int64_t>{i * lanes}, ArrayRef<int64_t>{lanes},
                                                      ArrayRef<int64_t>{1});
    return arith::ExtUIOp::create(b, vectorOf(b.getI32Type()), own);
  }

  Kernel kernel;
  ImplicitLocOpBuilder &b;
  int64_t rows, columns, lanes;
  SmallVector<Value> address; // of random numbers, its five words
};

} // namespace mlir::nanochat
