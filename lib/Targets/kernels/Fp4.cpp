// Four-bit floats on CPUs: transforms of runs of rows, and codes and scales of blocks along rows or columns.
#include "dialect/ops/quantize/Fp4.h"
#include "dialect/ops/quantize/Quantize.h"
#include "lib/Targets/kernels/MatrixKernel.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// Columns of a task of kernels that run down columns.
constexpr int64_t kColumns = 256;

/// What both kernels do with columns.
struct ColumnKernel : MatrixKernel {
  using MatrixKernel::MatrixKernel;

  /// Tasks of `count` pieces of rows times the columns in portions: fn(piece, column, mask), mask null for whole
  /// vectors.
  void eachColumnVector(int64_t pieces, llvm::function_ref<void(Value, Value, Value)> fn) {
    int64_t portions = llvm::divideCeil(columns, kColumns), whole = columns / lanes * lanes;
    Value portion = arith::RemUIOp::create(b, kernel.task, constantIndex(b, portions));
    Value piece = arith::DivUIOp::create(b, kernel.task, constantIndex(b, portions)), first = times(portion, kColumns);
    Value end = arith::MinUIOp::create(b, plus(first, kColumns), constantIndex(b, whole));
    forLoop(b, first, end, lanes, {}, [&](Value column, ValueRange) -> Carried {
      fn(piece, column, Value());
      return {};
    });
    if (whole < columns)
      ifEqual(b, portion, portions - 1, [&] {
        Value mask = vector::ConstantMaskOp::create(b, vectorOf(b.getI1Type()), ArrayRef<int64_t>{columns - whole});
        fn(piece, constantIndex(b, whole), mask);
      });
    kernel.finish(pieces * portions);
  }

  /// Rows first + 0..run-1 of x, transformed, in `lanes` columns: write(row, vector). `scratch` holds so many vectors.
  void transform(int64_t run, Value x, Value first, Value column, Value mask, Value scratch,
                 llvm::function_ref<void(int64_t, Value)> write) {
    int64_t levels = llvm::Log2_64(run), done = 0;
    Value none = constantIndex(b, 0);
    auto read = [&](int64_t row) -> Value {
      if (done)
        return load(scratch, constantIndex(b, row), none);
      Value vector = load(x, plus(first, row), column, mask);
      return hadamardSign(row) < 0 ? Value(arith::NegFOp::create(b, vector)) : vector;
    };
    // Eight rows at a time fit in registers: three levels of butterflies.
    do {
      int64_t some = std::min<int64_t>(3, levels - done), count = int64_t(1) << some, stride = int64_t(1) << done;
      for (int64_t base = 0; base < run; ++base) {
        if (base / stride % count)
          continue;
        SmallVector<Value> vectors;
        for (int64_t i = 0; i < count; ++i)
          vectors.push_back(read(base + i * stride));
        butterflies(vectors);
        for (auto [i, vector] : llvm::enumerate(vectors)) {
          int64_t row = base + i * stride;
          if (done + some == levels)
            write(row, vector);
          else
            store(vector, scratch, constantIndex(b, row), none);
        }
      }
      done += some;
    } while (done < levels);
  }
  void butterflies(MutableArrayRef<Value> vectors) {
    for (size_t h = 1; h < vectors.size(); h *= 2)
      for (size_t i = 0; i < vectors.size(); ++i)
        if (!(i & h)) {
          Value x = vectors[i], y = vectors[i + h];
          vectors[i] = add(b, x, y);
          vectors[i + h] = sub(b, x, y);
        }
  }
};

//===--- hadamard ----------------------------------------------------------------------------===//

struct HadamardEmitter : ColumnKernel {
  HadamardEmitter(func::FuncOp source, HadamardOp op, const Target &target)
      : ColumnKernel(source, op.getX().getType(), target), run(op.getRun()) {}

  void emit() {
    Value scratch = kernel.scratch({run, lanes}, b.getF32Type());
    eachColumnVector(rows / run, [&](Value piece, Value column, Value mask) {
      Value first = times(piece, run);
      auto write = [&](int64_t i, Value vector) { store(vector, kernel.outputs[0], plus(first, i), column, mask); };
      transform(run, kernel.inputs[0], first, column, mask, scratch, write);
    });
  }

private:
  int64_t run;
};

//===--- quantize_fp4 ------------------------------------------------------------------------===//

struct QuantizeEmitter : ColumnKernel {
  QuantizeEmitter(func::FuncOp source, QuantizeFp4Op op, const Target &target)
      : ColumnKernel(source, op.getX().getType(), target), op(op), block(factsOf(op.getFormat()).block) {
    x = kernel.inputOf(op.getX()), codes = kernel.outputOf(op.getCodes()), scales = kernel.outputOf(op.getScales());
    if (op.getTensorScale())
      tensor = memref::LoadOp::create(b, kernel.inputOf(op.getTensorScale()));
    if (op.getDraws())
      loadAddress(kernel.inputOf(op.getDraws()));
  }

  void emit() { op.getAxis() == 0 ? downColumns() : alongRows(); }

private:
  Value asFloat(Value bits) { return arith::BitcastOp::create(b, withElementOf(bits.getType(), b.getF32Type()), bits); }
  void downColumns() {
    int64_t run = op.getRun(), span = std::max(run, block);
    Value transformed = run ? kernel.scratch({span, lanes}, b.getF32Type()) : Value();
    Value scratch = run ? kernel.scratch({run, lanes}, b.getF32Type()) : Value();
    eachColumnVector(rows / span, [&](Value piece, Value column, Value mask) {
      Value first = times(piece, span), none = constantIndex(b, 0);
      for (int64_t at = 0; run && at < span; at += run)
        transform(run, x, plus(first, at), column, mask, scratch,
                  [&](int64_t i, Value vector) { store(vector, transformed, constantIndex(b, at + i), none); });
      // Row i of the piece.
      auto read = [&](Value i) {
        return run ? load(transformed, i, none) : load(x, arith::AddIOp::create(b, first, i), column, mask);
      };
      for (int64_t at = 0; at < span; at += block)
        quantizeDown(first, at, column, mask, read);
    });
  }

  /// The block of rows first + at + 0..block-1.
  void quantizeDown(Value first, int64_t at, Value column, Value mask, llvm::function_ref<Value(Value)> read) {
    Value ofTensor = tensor ? splat(tensor) : Value(), zero = constant(b, vectorOf(b.getI32Type()), 0);
    Value begin = constantIndex(b, at), end = constantIndex(b, at + block);
    Value largest = forLoop(b, begin, end, 1, {zero}, [&](Value i, ValueRange most) -> Carried {
      return {arith::MaxSIOp::create(b, most[0], magnitude(b, read(i)))};
    })[0];
    Value scale = blockScale(b, op, asFloat(largest), ofTensor);
    store(scale, scales, arith::DivUIOp::create(b, plus(first, at), constantIndex(b, block)), column, mask);
    if (!codes)
      return;
    Value inverse = inverseScale(b, op, scale, ofTensor, vectorOf(b.getF32Type()));
    forLoop(b, begin, end, kHalves, {}, [&](Value i, ValueRange) -> Carried {
      Value row = arith::AddIOp::create(b, first, i);
      std::array<Value, 4> words;
      if (op.getDraws()) {
        Value eight = arith::DivUIOp::create(b, row, constantIndex(b, kHalves));
        words = draw(arith::AddIOp::create(b, times(eight, columns), column));
      }
      SmallVector<Value> word; // of a panel
      for (int64_t k = 0; k < kHalves; ++k) {
        Value number = mul(b, read(plus(i, k)), inverse);
        Value code = fp4Code(b, number, op.getDraws() ? halfOf(b, words, k) : Value());
        if (!op.getPanels()) {
          store(code, codes, plus(row, k), column, mask);
          continue;
        }
        word.push_back(code);
        if (int64_t(word.size()) == kWord)
          storeWords(word, plus(row, k + 1 - kWord), column), word.clear();
      }
      return {};
    });
  }

  /// Codes of four rows from `row` on, side by side in the bytes of their columns.
  void storeWords(ArrayRef<Value> rows, Value row, Value column) {
    VectorType words = vectorOf(b.getI32Type());
    Value word;
    for (auto [i, codes] : llvm::enumerate(rows)) {
      Value byte = arith::ExtUIOp::create(b, words, codes);
      byte = i ? Value(arith::ShLIOp::create(b, byte, constant(b, words, double(8 * i)))) : byte;
      word = word ? Value(arith::OrIOp::create(b, word, byte)) : byte;
    }
    word = arith::XOrIOp::create(b, word, constant(b, words, double(int32_t(0x80808080))));
    Value bytes = vector::BitCastOp::create(b, VectorType::get({kWord * lanes}, b.getI8Type()), word);
    Value panels = memref::CollapseShapeOp::create(b, codes, SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
    Value panel = arith::DivUIOp::create(b, column, constantIndex(b, kPanelRows)),
          within = arith::RemUIOp::create(b, column, constantIndex(b, kPanelRows));
    Value number = arith::DivUIOp::create(b, row, constantIndex(b, kWord));
    vector::StoreOp::create(b, bytes, panels, ValueRange{panel, number, times(within, kWord)});
  }

  void alongRows() {
    int64_t span = lanes * kHalves, whole = columns / span * span;
    eachRow([&](Value row) {
      forLoop(b, constantIndex(b, 0), constantIndex(b, whole), span, {}, [&](Value column, ValueRange) -> Carried {
        piece(row, column, span);
        return {};
      });
      if (whole < columns)
        piece(row, constantIndex(b, whole), columns - whole);
    });
  }

  /// `count` numbers of a row: whole blocks, at most `lanes` blocks of random words.
  void piece(Value row, Value column, int64_t count) {
    Value halves = op.getDraws() ? drawHalves(row, column) : Value();
    for (int64_t i = 0; i < count; i += block) {
      SmallVector<Value> numbers;
      Value largest;
      for (int64_t j = i; j < i + block; j += lanes) {
        numbers.push_back(load(x, row, plus(column, j)));
        Value own = magnitude(b, numbers.back());
        largest = largest ? Value(arith::MaxSIOp::create(b, largest, own)) : own;
      }
      Value most = vector::ReductionOp::create(b, vector::CombiningKind::MAXSI, largest);
      Value scale = blockScale(b, op, asFloat(most), tensor);
      Value number = arith::DivUIOp::create(b, plus(column, i), constantIndex(b, block));
      if (scales)
        memref::StoreOp::create(b, scale, scales, ValueRange{row, number});
      Value inverse = splat(inverseScale(b, op, scale, tensor, b.getF32Type()));
      for (auto [j, x] : llvm::enumerate(numbers)) {
        Value half = halves ? halvesOf(halves, i / lanes + j) : Value();
        store(fp4Code(b, mul(b, x, inverse), half), codes, row, plus(column, i + j * lanes));
      }
    }
  }

  QuantizeFp4Op op;
  int64_t block;
  Value x, codes, scales, tensor;
};
} // namespace

LogicalResult nanochat::emitFp4(func::FuncOp kernel, const Target &target) {
  Operation *op = onlyOp(kernel);
  if (!op)
    return failure();
  if (auto hadamard = dyn_cast<HadamardOp>(op); hadamard && hadamard.getX().getType().getElementType().isF32())
    HadamardEmitter(kernel, hadamard, target).emit();
  else if (auto quantize = dyn_cast<QuantizeFp4Op>(op);
           quantize && !quantize.getPacked() && quantize.getX().getType().getElementType().isF32())
    QuantizeEmitter(kernel, quantize, target).emit();
  else
    return failure();
  return success();
}
