// Codes of 8 bits, rounded by chance, on CPUs: along rows, and down columns a portion of them at a time.
#include "dialect/ops/quantize/Fp4.h"
#include "dialect/ops/quantize/QuantizeLines.h"
#include "lib/Targets/kernels/MatrixKernel.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// Columns of a task that runs down columns: 512 bytes of every row.
constexpr int64_t kPortion = 128;

struct StochasticEmitter : MatrixKernel {
  StochasticEmitter(func::FuncOp source, QuantizeStochasticOp op, const Target &target)
      : MatrixKernel(source, op.getX().getType(), target), limit(op.getLimit()), x(kernel.inputOf(op.getX())),
        s(op.getS() ? kernel.inputOf(op.getS()) : Value()), codes(kernel.outputOf(op.getCodes())),
        largest(kernel.outputOf(op.getLargest())) {
    loadAddress(kernel.inputOf(op.getDraws()));
  }

  void alongRows() {
    eachRow([&](Value row) {
      Value most = vector::ReductionOp::create(b, vector::CombiningKind::MAXSI, largestOf(row));
      most = arith::BitcastOp::create(b, b.getF32Type(), most);
      if (largest)
        memref::StoreOp::create(b, most, largest, ValueRange{row});
      quantizeRow(row, splat(inverseOfLine(b, most, limit)));
    });
  }

  void downColumns() {
    first = times(kernel.task, kPortion);
    Value zero = constantIndex(b, 0);
    Value scratch = kernel.scratch({1, kPortion + lanes}, b.getI32Type()); // largest magnitudes, then what inverts them
    auto place = [&](Value column) -> Value { return arith::SubIOp::create(b, column, first); };
    auto asFloat = [&](Value bits) -> Value { return arith::BitcastOp::create(b, vectorOf(b.getF32Type()), bits); };
    eachVector(
        [&](Value column, Value) { store(constant(b, vectorOf(b.getI32Type()), 0), scratch, zero, place(column)); });
    forLoop(b, zero, constantIndex(b, rows), 1, {}, [&](Value row, ValueRange) -> Carried {
      eachVector([&](Value column, Value mask) {
        Value most = load(scratch, zero, place(column));
        most = arith::MaxSIOp::create(b, most, magnitude(b, number(row, column, mask)));
        store(most, scratch, zero, place(column));
      });
      return {};
    });
    eachVector([&](Value column, Value mask) {
      Value most = asFloat(load(scratch, zero, place(column)));
      storeLargest(most, column, mask);
      Value inverse = inverseOfLine(b, most, limit);
      store(arith::BitcastOp::create(b, vectorOf(b.getI32Type()), inverse), scratch, zero, place(column));
    });
    auto quantize = [&](Value row, int64_t count) {
      Value eight = times(arith::DivUIOp::create(b, row, constantIndex(b, kHalves)), columns);
      eachVector([&](Value column, Value mask) {
        Value inverse = asFloat(load(scratch, zero, place(column)));
        std::array<Value, 4> words = draw(arith::AddIOp::create(b, eight, column));
        for (int64_t k = 0; k < count; ++k)
          code(plus(row, k), column, mask, inverse, halfOf(b, words, k));
      });
    };
    int64_t whole = rows / kHalves * kHalves;
    forLoop(b, zero, constantIndex(b, whole), kHalves, {}, [&](Value row, ValueRange) -> Carried {
      quantize(row, kHalves);
      return {};
    });
    if (whole < rows)
      quantize(constantIndex(b, whole), rows - whole);
    kernel.finish(llvm::divideCeil(columns, kPortion));
  }

private:
  Value maskOf(int64_t count) {
    return vector::ConstantMaskOp::create(b, vectorOf(b.getI1Type()), ArrayRef<int64_t>{count});
  }
  Value number(Value row, Value column, Value mask) {
    Value value = load(x, row, column, mask);
    return s ? mul(b, value, splat(memref::LoadOp::create(b, s, ValueRange{row}))) : value;
  }
  void code(Value row, Value column, Value mask, Value inverse, Value half) {
    Value scaled = mul(b, number(row, column, mask), inverse);
    store(stochasticCode(b, scaled, half, limit), codes, row, column, mask);
  }
  void storeLargest(Value vector, Value column, Value mask) {
    if (largest && mask)
      vector::MaskedStoreOp::create(b, largest, ValueRange{column}, mask, vector);
    else if (largest)
      vector::StoreOp::create(b, vector, largest, ValueRange{column});
  }

  /// fn(column, mask) for the vectors of columns from `first` on that are the task's; mask null for whole ones.
  void eachVector(llvm::function_ref<void(Value, Value)> fn) {
    int64_t whole = columns / lanes * lanes;
    Value end = arith::MinUIOp::create(b, plus(first, kPortion), constantIndex(b, whole));
    forLoop(b, first, end, lanes, {}, [&](Value column, ValueRange) -> Carried {
      fn(column, Value());
      return {};
    });
    if (whole < columns)
      ifEqual(b, kernel.task, whole / kPortion, [&] { fn(constantIndex(b, whole), maskOf(columns - whole)); });
  }

  /// The largest magnitudes of a row, as integers, in the lanes of a vector.
  Value largestOf(Value row) {
    int64_t whole = columns / lanes * lanes;
    Value none = constant(b, vectorOf(b.getI32Type()), 0);
    auto larger = [&](Value most, Value column, Value mask) -> Value {
      return arith::MaxSIOp::create(b, most, magnitude(b, number(row, column, mask)));
    };
    Value most =
        forLoop(b, constantIndex(b, 0), constantIndex(b, whole), lanes, {none},
                [&](Value column, ValueRange most) -> Carried { return {larger(most[0], column, Value())}; })[0];
    return whole < columns ? larger(most, constantIndex(b, whole), maskOf(columns - whole)) : most;
  }

  void quantizeRow(Value row, Value inverse) {
    int64_t span = lanes * kHalves, whole = columns / span * span;
    auto quantize = [&](Value column, int64_t count) {
      Value halves = drawHalves(row, column);
      for (int64_t i = 0; i * lanes < count; ++i) {
        int64_t rest = count - i * lanes;
        code(row, plus(column, i * lanes), rest < lanes ? maskOf(rest) : Value(), inverse, halvesOf(halves, i));
      }
    };
    forLoop(b, constantIndex(b, 0), constantIndex(b, whole), span, {}, [&](Value column, ValueRange) -> Carried {
      quantize(column, span);
      return {};
    });
    if (whole < columns)
      quantize(constantIndex(b, whole), columns - whole);
  }

  double limit;
  Value x, s, codes, largest;
  Value first; // column of a task that runs down columns
};
} // namespace

LogicalResult nanochat::emitQuantizeStochastic(func::FuncOp kernel, const Target &target) {
  auto op = dyn_cast_or_null<QuantizeStochasticOp>(onlyOp(kernel));
  if (!op || !op.getX().getType().getElementType().isF32())
    return failure();
  StochasticEmitter emitter(kernel, op, target);
  op.getAxis() ? emitter.alongRows() : emitter.downColumns();
  return success();
}
