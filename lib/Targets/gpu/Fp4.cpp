// Four-bit floats on GPUs: a thread takes consecutive numbers along an axis, which it transforms, quantises and packs
// in its registers.
#include "dialect/ops/quantize/Fp4.h"
#include "dialect/ops/quantize/Random.h"
#include "lib/Targets/gpu/Emitters.h"
#include "lib/Targets/kernels/Kernel.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
constexpr int64_t kThreads = 128;

/// A matrix of which each thread of a kernel has a piece: `span` consecutive elements along `axis`.
class Pieces {
public:
  Pieces(func::FuncOp source, RankedTensorType type, int64_t axis, int64_t span)
      : kernel(source, kThreads), b(kernel.b), axis(axis), span(span), rows(type.getDimSize(0)),
        columns(type.getDimSize(1)) {}

  /// body() for the piece of a thread, if it has one; neighbours have neighbouring columns.
  void each(llvm::function_ref<void()> body) {
    int64_t along = (axis ? columns : rows) / span, others = axis ? rows : columns;
    Value thread = arith::IndexCastOp::create(b, b.getIndexType(), NVVM::ThreadIdXOp::create(b, b.getI32Type()));
    Value number = arith::AddIOp::create(b, times(kernel.task, kThreads), thread);
    Value isThere = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, number, constantIndex(b, along * others));
    auto branch = scf::IfOp::create(b, isThere, /*withElseRegion=*/false);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      int64_t inner = axis ? along : columns;
      Value fast = arith::RemUIOp::create(b, number, constantIndex(b, inner)),
            slow = arith::DivUIOp::create(b, number, constantIndex(b, inner));
      other = axis ? slow : fast, first = times(axis ? fast : slow, span);
      body();
    }
    kernel.finish(llvm::divideCeil(along * others, kThreads));
  }

  Value plus(Value x, int64_t y) { return y ? arith::AddIOp::create(b, x, constantIndex(b, y)) : x; }
  Value times(Value x, int64_t y) { return arith::MulIOp::create(b, x, constantIndex(b, y)); }
  Value over(Value x, int64_t y) { return arith::DivUIOp::create(b, x, constantIndex(b, y)); }

  /// The piece's elements; what lies along a row is read 16 bytes at a time.
  SmallVector<Value> load(Value buffer) {
    Type element = cast<MemRefType>(buffer.getType()).getElementType();
    int64_t lanes = axis ? 128 / element.getIntOrFloatBitWidth() : 1;
    SmallVector<Value> values;
    for (int64_t i = 0; i < span; i += lanes) {
      Value at = plus(first, i);
      if (axis == 0) {
        values.push_back(memref::LoadOp::create(b, buffer, ValueRange{at, other}));
        continue;
      }
      Value vector = vector::LoadOp::create(b, VectorType::get({lanes}, element), buffer, ValueRange{other, at},
                                            /*nontemporal=*/false, /*alignment=*/llvm::MaybeAlign(16));
      for (int64_t lane = 0; lane < lanes; ++lane)
        values.push_back(vector::ExtractOp::create(b, vector, lane));
    }
    return values;
  }

  /// Stores codes where the matrix has the piece's elements from number `from` on.
  void store(ArrayRef<Value> codes, Value buffer, int64_t from = 0) {
    if (axis == 0)
      storeColumn(codes, buffer, from);
    else
      storeRow(codes, 8, buffer, plus(first, from));
  }
  void storeColumn(ArrayRef<Value> values, Value buffer, int64_t from = 0) {
    for (auto [i, value] : llvm::enumerate(values))
      memref::StoreOp::create(b, value, buffer, ValueRange{plus(first, from + i), other});
  }

  /// Stores two codes in a byte, in a row of what the axis' other dimension is.
  void storePairs(ArrayRef<Value> codes, Value buffer, int64_t from = 0) {
    storeRow(codes, 4, buffer, over(plus(first, from), 2));
  }

  Kernel kernel;
  ImplicitLocOpBuilder &b;
  const int64_t axis, span, rows, columns;
  Value first, other; // the first element of the piece along the axis, and where it is across

private:
  /// Codes of so many bits side by side in row `other`, from byte `at` on, a multiple of their bytes up to 16.
  void storeRow(ArrayRef<Value> codes, int64_t bits, Value buffer, Value at) {
    int64_t perWord = 32 / bits, bytes = std::min<int64_t>(16, codes.size() * bits / 8);
    SmallVector<Value> words;
    for (auto [i, code] : llvm::enumerate(codes)) {
      Value part = bits == 4 ? toE2m1(b, arith::ExtSIOp::create(b, b.getI32Type(), code))
                             : Value(arith::ExtUIOp::create(b, b.getI32Type(), code));
      if (i % perWord == 0) {
        words.push_back(part);
        continue;
      }
      part = arith::ShLIOp::create(b, part, constant(b, part.getType(), double(bits * (i % perWord))));
      words.back() = arith::OrIOp::create(b, words.back(), part);
    }
    auto type = VectorType::get({bytes}, b.getI8Type());
    for (size_t i = 0; i < words.size(); i += bytes / 4) {
      Value vector = vector::FromElementsOp::create(b, VectorType::get({bytes / 4}, b.getI32Type()),
                                                    ArrayRef(words).slice(i, bytes / 4));
      vector::StoreOp::create(b, vector::BitCastOp::create(b, type, vector), buffer, ValueRange{other, plus(at, 4 * i)},
                              /*nontemporal=*/false, llvm::MaybeAlign(bytes));
    }
  }
};

/// Runs of `run` numbers, with signs, transformed.
void transformRuns(ImplicitLocOpBuilder &b, MutableArrayRef<Value> numbers, int64_t run) {
  for (auto [i, number] : llvm::enumerate(numbers))
    if (hadamardSign(i % run) < 0)
      number = arith::NegFOp::create(b, number);
  for (int64_t h = 1; h < run; h *= 2)
    for (size_t i = 0; i < numbers.size(); ++i)
      if (!(i & h)) {
        Value x = numbers[i], y = numbers[i + h];
        numbers[i] = add(b, x, y);
        numbers[i + h] = sub(b, x, y);
      }
}

void emitHadamard(func::FuncOp source, HadamardOp op) {
  Pieces p(source, op.getX().getType(), /*axis=*/0, op.getRun());
  p.each([&] {
    SmallVector<Value> numbers = p.load(p.kernel.inputs[0]);
    transformRuns(p.b, numbers, op.getRun());
    p.storeColumn(numbers, p.kernel.outputs[0]);
  });
}

void emitPack(func::FuncOp source, PackFp4Op op) {
  Pieces p(source, op.getCodes().getType(), op.getAxis(), /*span=*/32);
  p.each([&] { p.storePairs(p.load(p.kernel.inputs[0]), p.kernel.outputs[0]); });
}

class Quantizer {
public:
  Quantizer(func::FuncOp source, QuantizeFp4Op op)
      : op(op), block(factsOf(op.getFormat()).block),
        p(source, op.getX().getType(), op.getAxis(), std::max<int64_t>(op.getRun(), block)), b(p.b) {}

  void emit() {
    if (op.getTensorScale())
      tensor = memref::LoadOp::create(b, p.kernel.inputOf(op.getTensorScale()));
    for (int64_t i = 0; i < 5 && op.getDraws(); ++i)
      address.push_back(memref::LoadOp::create(b, p.kernel.inputOf(op.getDraws()), ValueRange{constantIndex(b, i)}));
    p.each([&] {
      SmallVector<Value> numbers = p.load(p.kernel.inputOf(op.getX()));
      if (op.getRun())
        transformRuns(b, numbers, op.getRun());
      for (int64_t from = 0; from < p.span; from += block)
        quantize(ArrayRef(numbers).slice(from, block), from);
    });
  }

private:
  void quantize(ArrayRef<Value> numbers, int64_t from) {
    Value largest;
    for (Value number : numbers) {
      Value size = magnitude(b, number);
      largest = largest ? Value(arith::MaxSIOp::create(b, largest, size)) : size;
    }
    Value scale = blockScale(b, op, arith::BitcastOp::create(b, b.getF32Type(), largest), tensor);
    storeScale(scale, p.over(p.plus(p.first, from), block));
    Value buffer = p.kernel.outputOf(op.getCodes());
    if (!buffer)
      return;
    Value inverse = inverseScale(b, op, scale, tensor, b.getF32Type());
    SmallVector<Value> codes;
    std::array<Value, 4> words;
    for (auto [i, number] : llvm::enumerate(numbers)) {
      if (op.getDraws() && i % kHalves == 0)
        words = draw(p.over(p.plus(p.first, from + i), kHalves));
      Value half = op.getDraws() ? halfOf(b, words, i % kHalves) : Value();
      codes.push_back(fp4Code(b, mul(b, number, inverse), half));
    }
    if (op.getPacked())
      p.storePairs(codes, buffer, from);
    else
      p.store(codes, buffer, from);
  }

  void storeScale(Value scale, Value number) {
    bool isRow = op.getPacked() || p.axis;
    if (Value buffer = p.kernel.outputOf(op.getScales()))
      memref::StoreOp::create(b, scale, buffer, isRow ? ValueRange{p.other, number} : ValueRange{number, p.other});
  }

  /// The random words of eight numbers, the `eight`-th along the axis.
  std::array<Value, 4> draw(Value eight) {
    Value number = p.axis ? arith::AddIOp::create(b, p.times(p.other, p.columns / kHalves), eight)
                          : arith::AddIOp::create(b, p.times(eight, p.columns), p.other);
    Value counter = arith::IndexCastOp::create(b, b.getI32Type(), number);
    return philox(b, {counter, address[3], address[2], address[4]}, {address[0], address[1]});
  }

  QuantizeFp4Op op;
  int64_t block;
  Pieces p;
  ImplicitLocOpBuilder &b;
  Value tensor;
  SmallVector<Value> address;
};
} // namespace

LogicalResult nanochat::emitGpuFp4(func::FuncOp kernel, const Target &) {
  Operation *op = onlyOp(kernel);
  if (!op)
    return failure();
  auto isF32 = [](Value x) { return getElementTypeOrSelf(x).isF32(); };
  if (auto hadamard = dyn_cast<HadamardOp>(op); hadamard && isF32(hadamard.getX()))
    emitHadamard(kernel, hadamard);
  else if (auto pack = dyn_cast<PackFp4Op>(op); pack && typeOf(pack.getCodes()).getDimSize(pack.getAxis()) % 32 == 0)
    emitPack(kernel, pack);
  else if (auto quantize = dyn_cast<QuantizeFp4Op>(op); quantize && !quantize.getPanels() && isF32(quantize.getX()))
    Quantizer(kernel, quantize).emit();
  else
    return failure();
  return success();
}
