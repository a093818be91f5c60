// The gradient of an embedding table: every task clears rows of its own and adds to them what all tokens bring,
// in rising order of tokens, so that sums do not depend on how rows are shared out.
#include "dialect/Nanochat.h"
#include "lib/Targets/gpu/Emitters.h"
#include "lib/Targets/kernels/Kernel.h"
#include "lib/Targets/kernels/Team.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
class EmbeddingGradEmitter {
public:
  /// Threads of the team share out the columns.
  EmbeddingGradEmitter(func::FuncOp source, EmbeddingGradOp op, TeamShape shape)
      : kernel(source, shape.isBlock() ? shape.threads() : 0), b(kernel.b), team(kernel, shape),
        tokens(op.getTokens().getType().getDimSize(0)), rows(op.getDtable().getType().getDimSize(0)),
        columns(op.getDtable().getType().getDimSize(1)), vector(VectorType::get({shape.width}, b.getF32Type())) {}

  void emit(int64_t most) {
    int64_t perTask = llvm::PowerOf2Ceil(llvm::divideCeil(rows, most));
    Value size = constantIndex(b, perTask);
    Value first = arith::MulIOp::create(b, kernel.task, size);
    Value end = arith::MinUIOp::create(b, arith::AddIOp::create(b, first, size), constantIndex(b, rows));
    forLoop(b, first, end, 1, {}, [&](Value row, ValueRange) -> Carried {
      eachVector([&](Value c, Value mask) { write(zero(), row, c, mask); });
      return {};
    });
    Value count = arith::SubIOp::create(b, end, first);
    forLoop(b, constantIndex(b, 0), constantIndex(b, tokens), 1, {}, [&](Value n, ValueRange) -> Carried {
      Value id = memref::LoadOp::create(b, kernel.inputs[0], n);
      Value row = arith::IndexCastOp::create(b, b.getIndexType(), id);
      // Below `first` wraps around to beyond `count`.
      Value own = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, arith::SubIOp::create(b, row, first), count);
      auto branch = scf::IfOp::create(b, own, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      eachVector([&](Value c, Value mask) {
        Value sum = arith::AddFOp::create(b, read(kernel.outputs[0], row, c, mask), read(kernel.inputs[1], n, c, mask));
        write(sum, row, c, mask);
      });
      return {};
    });
    kernel.finish(llvm::divideCeil(rows, perTask));
  }

private:
  Value zero() { return arith::ConstantOp::create(b, b.getZeroAttr(vector)); }
  Value read(Value buffer, Value row, Value column, Value mask) {
    if (!mask)
      return vector::LoadOp::create(b, vector, buffer, ValueRange{row, column}, /*nontemporal=*/false, alignment());
    return vector::MaskedLoadOp::create(b, vector, buffer, ValueRange{row, column}, mask, zero());
  }
  void write(Value value, Value row, Value column, Value mask) {
    if (mask)
      vector::MaskedStoreOp::create(b, kernel.outputs[0], ValueRange{row, column}, mask, value);
    else
      vector::StoreOp::create(b, value, kernel.outputs[0], ValueRange{row, column}, /*nontemporal=*/false, alignment());
  }
  llvm::MaybeAlign alignment() {
    bool isWhole = team.shape.isBlock() && columns % team.shape.width == 0;
    return isWhole ? llvm::MaybeAlign(4 * team.shape.width) : std::nullopt;
  }
  /// fn(column, mask) for each vector of a row; mask is null where the vector is whole.
  void eachVector(llvm::function_ref<void(Value, Value)> fn) {
    int64_t span = team.shape.span(), whole = columns / span * span;
    forLoop(b, constantIndex(b, 0), constantIndex(b, whole), span, {}, [&](Value c, ValueRange) -> Carried {
      fn(team.lanes(c).v, Value());
      return {};
    });
    if (whole < columns)
      fn(team.lanes(constantIndex(b, whole)).v, team.mask(columns - whole));
  }

  Kernel kernel;
  ImplicitLocOpBuilder &b;
  Team team;
  int64_t tokens, rows, columns;
  VectorType vector;
};
} // namespace

static LogicalResult emit(func::FuncOp kernel, TeamShape team, int64_t mostTasks) {
  auto op = dyn_cast_or_null<EmbeddingGradOp>(onlyOp(kernel));
  if (!op || !op.getDtable().getType().getElementType().isF32())
    return failure();
  EmbeddingGradEmitter(kernel, op, team).emit(mostTasks);
  return success();
}

LogicalResult nanochat::emitEmbeddingGrad(func::FuncOp kernel, const Target &) { return emit(kernel, {kSumLanes}, 64); }

LogicalResult nanochat::emitGpuEmbeddingGrad(func::FuncOp kernel, const Target &target) {
  return emit(kernel, {4, 128, 1}, 8 * target.blocks());
}
