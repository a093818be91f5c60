// Packing of ternary weights: a transpose of 32-bit words, 16 × 16 at a time, plus one in every byte.
#include "dialect/Nanochat.h"
#include "lib/Targets/kernels/GemmPack.h"
#include "lib/Targets/kernels/Kernel.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// One task packs the rows of one panel.
class PackEmitter {
public:
  PackEmitter(func::FuncOp source, PackPanelsOp pack)
      : kernel(source), b(kernel.b), type(pack.getP().getType()), words(type.getDimSize(1)), rows(type.getDimSize(2)),
        word(type.getDimSize(3)) {
    // (out / 16, in / 4, 64): the bytes of a word of every row.
    panels = memref::CollapseShapeOp::create(b, kernel.outputs[0], SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
  }

  void emit() {
    int64_t whole = words / rows * rows;
    forLoop(b, constantIndex(b, 0), constantIndex(b, whole), rows, {}, [&](Value k, ValueRange) -> Carried {
      packSquare(k);
      return {};
    });
    forLoop(b, constantIndex(b, whole), constantIndex(b, words), 1, {}, [&](Value k, ValueRange) -> Carried {
      packWord(k);
      return {};
    });
    kernel.finish(type.getDimSize(0));
  }

private:
  Value row(int64_t i) {
    Value first = arith::MulIOp::create(b, kernel.task, constantIndex(b, rows));
    return arith::AddIOp::create(b, first, constantIndex(b, i));
  }
  Value byteOf(Value k) { return arith::MulIOp::create(b, k, constantIndex(b, word)); }
  VectorType bytes(int64_t count) { return VectorType::get({count}, b.getI8Type()); }
  Value plusOne(Value codes) {
    Value one = arith::ConstantOp::create(b, b.getOneAttr(codes.getType()));
    return arith::AddIOp::create(b, codes, one);
  }

  /// As many words of every row as there are rows, from word k on.
  void packSquare(Value k) {
    auto inWords = VectorType::get({rows}, b.getI32Type());
    SmallVector<Value> vectors;
    for (int64_t i = 0; i < rows; ++i) {
      Value codes = vector::LoadOp::create(b, bytes(rows * word), kernel.inputs[0], ValueRange{row(i), byteOf(k)});
      vectors.push_back(vector::BitCastOp::create(b, inWords, codes));
    }
    for (auto [i, vector] : llvm::enumerate(transpose(b, vectors))) {
      Value codes = vector::BitCastOp::create(b, bytes(rows * word), vector);
      Value at = arith::AddIOp::create(b, k, constantIndex(b, i));
      vector::StoreOp::create(b, plusOne(codes), panels, ValueRange{kernel.task, at, constantIndex(b, 0)});
    }
  }

  void packWord(Value k) {
    for (int64_t i = 0; i < rows; ++i) {
      Value codes = vector::LoadOp::create(b, bytes(word), kernel.inputs[0], ValueRange{row(i), byteOf(k)});
      vector::StoreOp::create(b, plusOne(codes), panels, ValueRange{kernel.task, k, constantIndex(b, i * word)});
    }
  }

  Kernel kernel;
  ImplicitLocOpBuilder &b;
  RankedTensorType type;
  int64_t words, rows, word;
  Value panels;
};
} // namespace

LogicalResult nanochat::emitPackPanels(func::FuncOp kernel, const Target &) {
  auto pack = dyn_cast_or_null<PackPanelsOp>(onlyOp(kernel));
  if (!pack)
    return failure();
  PackEmitter(kernel, pack).emit();
  return success();
}
