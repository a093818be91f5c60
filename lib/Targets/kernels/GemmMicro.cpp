// The micro-kernel of a product: a register block of sums over a slab.
#include "dialect/Linalg.h"
#include "dialect/ops/quantize/Quantize.h"
#include "lib/Targets/kernels/GemmEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::nanochat;

static Value intrinsic(ImplicitLocOpBuilder &b, StringRef name, Type type, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands).getResult(0);
}

/// Sums of two products of bytes in 16 bits, those of y without sign.
Value GemmEmitter::pairs(Value x, Value y) {
  auto bytes = VectorType::get({p.lanes * 4}, b.getI8Type()), sums = VectorType::get({p.lanes * 2}, b.getI16Type());
  return intrinsic(b, p.lanes == 16 ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw", sums,
                   {vector::BitCastOp::create(b, bytes, y), vector::BitCastOp::create(b, bytes, x)});
}

/// Adds the sums of two neighbouring products each of numbers in 16 bits.
Value GemmEmitter::addPairs(Value acc, Value x, Value y) {
  Value sums =
      intrinsic(b, p.lanes == 16 ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd", wordVector, {x, y});
  return arith::AddIOp::create(b, acc, sums);
}

Value GemmEmitter::dot(Value acc, Value x, Value y) {
  if (p.bytes && !p.vnni) {
    Value sums = pairs(x, y);
    return addPairs(acc, sums, constant(b, sums.getType(), 1));
  }
  if (p.per == 1)
    return math::FmaOp::create(b, x, y, acc);
  Type element = p.halves ? Type(b.getBF16Type()) : p.bytes ? b.getI8Type() : b.getI16Type();
  auto elements = VectorType::get({p.lanes * p.per}, element);
  x = vector::BitCastOp::create(b, elements, x);
  y = vector::BitCastOp::create(b, elements, y);
  bool wide = p.lanes == 16;
  if (p.halves)
    return intrinsic(b, wide ? "llvm.x86.avx512bf16.dpbf16ps.512" : "llvm.x86.avx512bf16.dpbf16ps.256", sumVector,
                     {acc, x, y});
  if (p.bytes)
    return intrinsic(b, wide ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256", wordVector,
                     {acc, y, x});
  if (p.vnni)
    return intrinsic(b, wide ? "llvm.x86.avx512.vpdpwssd.512" : "llvm.x86.avx512.vpdpwssd.256", wordVector,
                     {acc, x, y});
  return addPairs(acc, x, y);
}

Value GemmEmitter::vectorOfB(const Slab &s, const Tile &t, Value k, int64_t column) {
  if (packsB)
    return vector::LoadOp::create(b, wordVector, panelB, ValueRange{k, constantIndex(b, column)});
  // A panel of the plan begins with a panel of codes.
  Value first = arith::DivUIOp::create(b, t.n, constantIndex(b, kPanelRows));
  Value at = plus(first, column / kPanelRows), byte = constantIndex(b, column % kPanelRows * p.per);
  Value codes = vector::LoadOp::create(b, VectorType::get({p.lanes * p.per}, b.getI8Type()), directB,
                                       ValueRange{at, arith::AddIOp::create(b, s.k, k), byte});
  return vector::BitCastOp::create(b, wordVector, codes);
}

SmallVector<Value> GemmEmitter::placeInA(Value m, int64_t i, Value k) {
  if (!across)
    return {plus(local(m), i), k};
  Value unit = constantIndex(b, p.unit());
  return {arith::DivUIOp::create(b, local(m), unit), k, plus(arith::RemUIOp::create(b, local(m), unit), i)};
}

Value GemmEmitter::wordOfA(const Slab &s, const Tile &t, int64_t i, Value k) {
  if (packsA)
    return memref::LoadOp::create(b, panelA, placeInA(t.m, i, k));
  Value row = plus(t.m, i);
  Value at = times(arith::AddIOp::create(b, s.k, k), p.per);
  if (p.per == 1)
    return memref::LoadOp::create(b, directA, ValueRange{row, at});
  Value bytes = vector::LoadOp::create(b, VectorType::get({p.per}, getElementTypeOrSelf(c.a.tensor())), directA,
                                       ValueRange{row, at});
  Value one = vector::BitCastOp::create(b, VectorType::get({1}, word), bytes);
  return vector::ExtractOp::create(b, one, 0);
}

Carried GemmEmitter::start(const Tile &t) {
  Carried values;
  if (!c.init())
    return Carried(t.rows * llvm::divideCeil(t.columns, p.lanes), constant(b, sumVector, 0));
  vectors(t, [&](int64_t, Lanes m, Lanes n) { values.push_back(e.vector(e.element(c.init(), {m, n}))); });
  return values;
}

/// Asks for memory in the form of the result before the long loop over k, behind which it is needed: short pieces of
/// far rows, of which the processor does not see what comes next. Sums start from what the tile before asked for.
void GemmEmitter::fetchResults(const Tile &t) {
  auto shape = cast<RankedTensorType>(c.result().getType()).getShape();
  auto fetch = [&](Value buffer, int64_t rowsAhead) {
    auto type = cast<MemRefType>(buffer.getType());
    int64_t line = 64 * 8 / type.getElementTypeBitWidth();
    if (type.getShape() != shape)
      return;
    for (int64_t i = 0; i < t.rows; ++i)
      for (int64_t j = 0; j < t.columns; j += line)
        memref::PrefetchOp::create(b, buffer, ValueRange{plus(t.m, i + rowsAhead), plus(t.n, j)}, /*isWrite=*/false,
                                   /*localityHint=*/3, /*isDataCache=*/true);
  };
  for (auto [argument, buffer] : llvm::zip(kernel.source.getArguments(), kernel.inputs))
    if (argument != c.a.tensor() && argument != c.b.tensor())
      fetch(buffer, argument == c.init() ? t.rows : 0);
  for (Value buffer : kernel.outputs)
    fetch(buffer, 0);
}

/// Sums of so few groups are no loop.
static constexpr int64_t kShortSum = 16;

/// The sums of a tile behind group k: add(sum, word of a, word of b) of those before.
Carried GemmEmitter::step(const Slab &s, const Tile &t, Value k, ValueRange in,
                          llvm::function_ref<Value(Value, Value, Value)> add) {
  int64_t perRow = llvm::divideCeil(t.columns, p.lanes);
  Carried next(in), columns;
  for (int64_t j = 0; j < t.columns; j += p.lanes)
    columns.push_back(vectorOfB(s, t, k, j));
  for (int64_t i = 0; i < t.rows; ++i) {
    Value x = vector::BroadcastOp::create(b, wordVector, wordOfA(s, t, i, k));
    for (int64_t j = 0; j < perRow; ++j)
      next[i * perRow + j] = add(next[i * perRow + j], x, columns[j]);
  }
  return next;
}

/// Adds the products of `groups` groups of the slab from `first` on.
Carried GemmEmitter::addUp(const Slab &s, const Tile &t, Value first, int64_t groups, ValueRange accumulators) {
  using Add = llvm::function_ref<Value(Value, Value, Value)>;
  auto sum = [&](Value from, int64_t count, ValueRange start, Add add) -> Carried {
    if (!c.block || count > kShortSum)
      return forLoop(b, from, plus(from, count), 1, start,
                     [&](Value k, ValueRange in) { return step(s, t, k, in, add); });
    Carried sums(start);
    for (int64_t k = 0; k < count; ++k)
      sums = step(s, t, plus(from, k), sums, add);
    return sums;
  };
  if (!p.bytes || p.vnni)
    return sum(first, groups, accumulators, [&](Value acc, Value x, Value y) { return dot(acc, x, y); });
  // In 16 bits as far as they reach, then in 32.
  auto some = [&](Value from, int64_t count, ValueRange in) {
    Value zero = constant(b, VectorType::get({p.lanes * 2}, b.getI16Type()), 0);
    Carried narrow = sum(from, count, Carried(in.size(), zero), [&](Value acc, Value x, Value y) -> Value {
      return arith::AddIOp::create(b, acc, pairs(x, y));
    });
    Carried wide(in);
    Value ones = constant(b, zero.getType(), 1);
    for (auto [acc, own] : llvm::zip(wide, narrow))
      acc = addPairs(acc, own, ones);
    return wide;
  };
  int64_t whole = groups / p.steps * p.steps;
  Carried sums(accumulators);
  if (whole == p.steps)
    sums = some(first, whole, sums);
  else if (whole)
    sums = forLoop(b, first, plus(first, whole), p.steps, sums,
                   [&](Value from, ValueRange in) { return some(from, p.steps, in); });
  return whole < groups ? some(plus(first, whole), groups - whole, sums) : sums;
}

void GemmEmitter::multiply(const Slab &s, const Tile &t) {
  Carried accumulators;
  auto place = [&](Lanes m, Lanes n) { return SmallVector<Value>{local(m.v), arith::SubIOp::create(b, n.v, n0)}; };
  if (slabs)
    vectors(t, [&](int64_t, Lanes m, Lanes n) {
      accumulators.push_back(vector::LoadOp::create(b, sumVector, partial, place(m, n)));
    });
  else
    accumulators = start(t);
  if (!slabs)
    fetchResults(t);
  if (c.block)
    accumulators = addBlocks(s, t, accumulators);
  else
    accumulators = addUp(s, t, constantIndex(b, 0), s.groups,
                         p.bytes ? startOfRows(t, accumulators, constantIndex(b, 0)) : accumulators);
  if (!slabs)
    return finish(t, accumulators);
  int64_t i = 0;
  vectors(t, [&](int64_t, Lanes m, Lanes n) { vector::StoreOp::create(b, accumulators[i++], partial, place(m, n)); });
}

void GemmEmitter::finish(const Tile &t, ValueRange accumulators) {
  auto results = kernel.source.front().getTerminator()->getOperands();
  auto shape = cast<RankedTensorType>(c.result().getType()).getShape();
  int64_t i = 0;
  vectors(t, [&](int64_t, Lanes m, Lanes n) {
    Value value = accumulators[i++];
    if (auto blocks = dyn_cast<BlockMatmulOp>(c.op))
      value = mul(b, value, e.vector(e.element(blocks.getFactor(), ArrayRef<Lanes>{})));
    e.define(c.result(), {m, n}, {value});
    SmallVector<Lanes> values;
    for (Value result : results) {
      if (cast<RankedTensorType>(result.getType()).getShape() != shape) {
        e.failure = kOtherShape;
        return;
      }
      values.push_back(e.element(result, {m, n}));
    }
    for (auto [value, buffer] : llvm::zip(values, kernel.outputs))
      e.store(value, buffer, {m, n});
  });
}
