#include "lib/Targets/kernels/Team.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

Team::Team(Kernel &kernel, TeamShape shape) : shape(shape), kernel(kernel), b(kernel.b) {
  if (!shape.isBlock())
    return;
  thread = arith::IndexCastUIOp::create(b, b.getIndexType(), NVVM::ThreadIdXOp::create(b, b.getI32Type()));
  x = arith::RemUIOp::create(b, thread, constantIndex(b, shape.across));
  y = shape.down == 1 ? Value() : Value(arith::DivUIOp::create(b, thread, constantIndex(b, shape.across)));
}

Lanes Team::lanes(Value base) {
  if (x)
    base = arith::AddIOp::create(b, base, arith::MulIOp::create(b, x, constantIndex(b, shape.width)));
  return {base, 1, true};
}

Value Team::mask(int64_t count) {
  auto type = VectorType::get({shape.width}, b.getI1Type());
  if (!x)
    return vector::ConstantMaskOp::create(b, type, ArrayRef<int64_t>{count});
  // create_mask takes a negative number for none and one beyond the width for all.
  Value before = arith::MulIOp::create(b, x, constantIndex(b, shape.width));
  return vector::CreateMaskOp::create(b, type, ValueRange{arith::SubIOp::create(b, constantIndex(b, count), before)});
}

Value Team::row(Value base) { return y ? Value(arith::AddIOp::create(b, base, y)) : base; }

/// Bits of the lanes of the warp that are of this span; of all, which costs ten instructions less, where all are there.
Value Team::spanMask() {
  constexpr int64_t warp = 32;
  auto constant = [&](int64_t value) { return arith::ConstantOp::create(b, b.getI32IntegerAttr(int32_t(value))); };
  if (shape.across >= warp || shape.stayTogether)
    return constant(-1);
  Value first =
      arith::AndIOp::create(b, arith::IndexCastUIOp::create(b, b.getI32Type(), thread), constant(warp - shape.across));
  return arith::ShLIOp::create(b, constant((1 << shape.across) - 1), first);
}

/// What the thread whose lane differs by `lanes` holds.
Value Team::shuffle(Value scalar, int64_t lanes) {
  Type type = scalar.getType(), word = type.isF32() ? type : Type(b.getI32Type());
  bool isNarrow = type.getIntOrFloatBitWidth() < 32;
  assert(type.getIntOrFloatBitWidth() <= 32 && "values of 64 bits are not exchanged");
  if (isNarrow)
    scalar = arith::ExtUIOp::create(
        b, word, arith::BitcastOp::create(b, b.getIntegerType(type.getIntOrFloatBitWidth()), scalar));
  auto constant = [&](int64_t value) { return arith::ConstantOp::create(b, b.getI32IntegerAttr(int32_t(value))); };
  Value other = NVVM::ShflOp::create(b, word, spanMask(), scalar, constant(lanes), constant(31), NVVM::ShflKind::bfly,
                                     UnitAttr());
  if (isNarrow)
    other = arith::BitcastOp::create(b, type,
                                     arith::TruncIOp::create(b, b.getIntegerType(type.getIntOrFloatBitWidth()), other));
  return other;
}

Value Team::combineAcross(Value acc, llvm::function_ref<Value(Value, Value)> combine) {
  assert(shape.span() == kSumLanes);
  for (int64_t lanes = shape.across / 2; lanes; lanes /= 2) {
    Value other = acc;
    for (int64_t l = 0; l < shape.width; ++l)
      other = vector::InsertOp::create(b, shuffle(vector::ExtractOp::create(b, acc, l), lanes), other, l);
    acc = combine(acc, other);
  }
  for (int64_t half = shape.width / 2; half; half /= 2) {
    auto low = llvm::to_vector(llvm::seq<int64_t>(0, half)), high = llvm::to_vector(llvm::seq<int64_t>(half, 2 * half));
    acc = combine(vector::ShuffleOp::create(b, acc, acc, low), vector::ShuffleOp::create(b, acc, acc, high));
  }
  return vector::ExtractOp::create(b, acc, 0);
}

Value Team::combineDown(Value acc, llvm::function_ref<Value(Value, Value)> combine) {
  if (!y)
    return acc;
  auto type = cast<VectorType>(acc.getType());
  Value &buffer = exchange[type];
  if (!buffer)
    buffer = kernel.shared({shape.down, shape.span()}, type.getElementType());
  Value column = lanes(constantIndex(b, 0)).v;
  vector::StoreOp::create(b, acc, buffer, ValueRange{y, column});
  for (int64_t rows = shape.down / 2; rows; rows /= 2) {
    syncBlock();
    Value isLow = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, y, constantIndex(b, rows));
    auto branch = scf::IfOp::create(b, isLow, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value own = vector::LoadOp::create(b, type, buffer, ValueRange{y, column});
    Value far = arith::AddIOp::create(b, y, constantIndex(b, rows));
    Value other = vector::LoadOp::create(b, type, buffer, ValueRange{far, column});
    vector::StoreOp::create(b, combine(own, other), buffer, ValueRange{y, column});
  }
  syncBlock();
  return vector::LoadOp::create(b, type, buffer, ValueRange{constantIndex(b, 0), column});
}

void Team::syncAcross() {
  if (x)
    NVVM::SyncWarpOp::create(b, spanMask());
}

void Team::syncBlock() {
  if (x)
    NVVM::BarrierOp::create(b);
}

void Team::byFirstRow(llvm::function_ref<void()> body) {
  if (!y)
    return body();
  syncBlock();
  ifEqual(b, y, 0, body);
}

void Team::byFirstAcross(llvm::function_ref<void()> body) {
  if (!x)
    return body();
  syncAcross();
  ifEqual(b, x, 0, body);
}

Value Team::scratch(ArrayRef<int64_t> shape, Type element) {
  if (!y)
    return kernel.scratch(shape, element);
  SmallVector<int64_t> all{this->shape.down};
  llvm::append_range(all, shape);
  constexpr int64_t most = 48 << 10; // of shared memory, so that several blocks fit
  int64_t bytes = element.getIntOrFloatBitWidth() / 8;
  for (int64_t size : all)
    bytes *= size;
  Value whole = kernel.bytesShared() + bytes <= most ? kernel.shared(all, element) : kernel.scratch(all, element);
  SmallVector<OpFoldResult> offsets(all.size(), b.getIndexAttr(0)), strides(all.size(), b.getIndexAttr(1));
  offsets[0] = y;
  SmallVector<OpFoldResult> sizes{b.getIndexAttr(1)};
  llvm::append_range(sizes, getAsIndexOpFoldResult(b.getContext(), shape));
  auto type = cast<MemRefType>(
      memref::SubViewOp::inferRankReducedResultType(shape, cast<MemRefType>(whole.getType()), offsets, sizes, strides));
  return memref::SubViewOp::create(b, type, whole, offsets, sizes, strides);
}
