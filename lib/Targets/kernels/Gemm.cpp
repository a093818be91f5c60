#include "dialect/ops/quantize/Fp4.h"
#include "dialect/ops/quantize/Quantize.h"
#include "lib/Targets/kernels/GemmPack.h"
#include "lib/Targets/kernels/Kernel.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace {
/// A pass over part of the k loop: from group `k`, `groups` of them.
struct Slab {
  Value k; // in groups
  int64_t groups;
  bool isLast; // holds the end of k
};

/// A register block: rows m + 0..rows-1, columns n + 0..columns-1; n0 is its panel's first column.
struct Tile {
  Value m, n;
  int64_t rows, columns;
};

class GemmEmitter {
public:
  GemmEmitter(func::FuncOp source, MatrixProduct &c, const GemmPlan &p);
  LogicalResult emit();

private:
  void slab(const Slab &s);
  void packA(const Slab &s);
  void packB(const Slab &s, Value n, int64_t columns);
  void sumRows(const Slab &s);
  void panels(llvm::function_ref<void(Value n, int64_t columns)> body);
  void tiles(Value n, int64_t columns, llvm::function_ref<void(const Tile &)> body);
  void multiply(const Slab &s, const Tile &t);
  void fetchResults(const Tile &t);
  Carried start(const Tile &t);
  Carried startOfRows(const Tile &t, Carried sumsOfTile, Value block);
  Carried addUp(const Slab &s, const Tile &t, Value first, int64_t groups, ValueRange accumulators);
  Carried addBlocks(const Slab &s, const Tile &t, ValueRange accumulators);
  void finish(const Tile &t, ValueRange accumulators);
  /// Calls body(row, vector, m index, n lanes) for all vectors of a tile, masked where they end.
  void vectors(const Tile &t, llvm::function_ref<void(int64_t, Lanes, Lanes)> body);
  Value dot(Value acc, Value a, Value b);
  Value wordOfA(const Slab &s, const Tile &t, int64_t i, Value k);
  /// Where panelA holds the word of row `m` + i, both of one tile.
  SmallVector<Value> placeInA(Value m, int64_t i, Value k);
  Value vectorOfB(const Slab &s, const Tile &t, Value k, int64_t column);
  Value local(Value m) { return arith::SubIOp::create(b, m, m0); }
  Value plus(Value x, int64_t y) { return y ? arith::AddIOp::create(b, x, constantIndex(b, y)) : x; }
  Value times(Value x, int64_t y) { return arith::MulIOp::create(b, x, constantIndex(b, y)); }
  int64_t elementsIn(const Slab &s) {
    // Only the last slab may end within a group.
    return s.isLast ? c.K - (p.kGroups - s.groups) * p.per : s.groups * p.per;
  }

  MatrixProduct &c;
  const GemmPlan &p;
  Kernel kernel;
  ImplicitLocOpBuilder &b;
  Evaluator e;
  std::unique_ptr<BlockReader> readA, readB;
  Type word; // 32 bits of a factor
  VectorType wordVector, sumVector;
  bool packsA, packsB, slabs;
  bool across; // panelA holds rows side by side, (rows / unit, k, unit), as they lie in memory; else (rows, k)
  Value m0, n0, mBlock, group;         // of the task
  Value panelA, panelB, partial, sums; // scratch
  Value directA, directB;              // inputs that need no packing
};
} // namespace

GemmEmitter::GemmEmitter(func::FuncOp source, MatrixProduct &c, const GemmPlan &p)
    : c(c), p(p), kernel(source), b(kernel.b), e(b, p.lanes), word(p.per == 1 ? Type(b.getF32Type()) : b.getI32Type()),
      wordVector(VectorType::get({p.lanes}, word)),
      sumVector(wordVector.clone(c.isFloat() || c.block ? Type(b.getF32Type()) : b.getI32Type())),
      slabs(p.blockK < p.kGroups) {
  auto bind = [&](Evaluator &evaluator) {
    for (auto [argument, buffer] : llvm::zip(source.getArguments(), kernel.inputs))
      evaluator.bind(argument, buffer);
  };
  bind(e);
  readA = std::make_unique<BlockReader>(b, c, p, c.a, false, bind);
  readB = std::make_unique<BlockReader>(b, c, p, c.b, true, bind);
  auto argument = dyn_cast<BlockArgument>(c.a.tensor());
  AffineMap rows = AffineMap::getMultiDimMapWithTargets(3, {c.m, c.k}, b.getContext());
  packsA = !argument || c.a.map != rows || c.K % p.per ||
           getElementTypeOrSelf(c.a.tensor()).getIntOrFloatBitWidth() * p.per != 32;
  across = packsA && !c.a.alongK;
  int64_t groups = llvm::alignTo(p.blockK, p.lanes);
  if (across)
    panelA = kernel.scratch({p.blockM / p.unit(), groups, p.unit()}, word);
  else if (packsA)
    panelA = kernel.scratch({p.blockM, groups}, word);
  else
    directA = kernel.inputs[argument.getArgNumber()];
  // Panels of codes are what the dot product of bytes takes, (out / 16, in / 4, 64), if outputs are columns.
  packsB = !(p.bytes && c.b.format == Format::panels && matchPanels(c.b.map)->out == c.n);
  if (packsB)
    panelB = kernel.scratch({p.blockK, p.panel}, word);
  else
    directB = memref::CollapseShapeOp::create(b, kernel.inputs[cast<BlockArgument>(c.b.tensor()).getArgNumber()],
                                              SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
  if (slabs)
    partial = kernel.scratch({p.blockM, p.groupPanels * p.panel}, sumVector.getElementType());
  if (p.bytes)
    sums = kernel.scratch({c.block ? p.blockK / p.perBlock : 1, p.blockM}, word);
}

LogicalResult GemmEmitter::emit() {
  mBlock = arith::DivUIOp::create(b, kernel.task, constantIndex(b, p.groups));
  group = arith::RemUIOp::create(b, kernel.task, constantIndex(b, p.groups));
  m0 = times(mBlock, p.blockM);
  n0 = times(group, p.groupPanels * p.panel);
  if (slabs)
    panels([&](Value n, int64_t columns) {
      tiles(n, columns, [&](const Tile &t) {
        Carried values = start(t);
        int64_t i = 0;
        vectors(t, [&](int64_t, Lanes m, Lanes at) {
          vector::StoreOp::create(b, values[i++], partial, ValueRange{local(m.v), arith::SubIOp::create(b, at.v, n0)});
        });
      });
    });
  int64_t whole = p.kGroups / p.blockK * p.blockK;
  if (whole == p.kGroups)
    whole -= p.blockK; // the last one, whole or not, knows where k ends
  if (whole)
    forLoop(b, constantIndex(b, 0), constantIndex(b, whole), p.blockK, {}, [&](Value k, ValueRange) -> Carried {
      slab({k, p.blockK, false});
      return {};
    });
  slab({constantIndex(b, whole), p.kGroups - whole, true});
  if (slabs)
    panels([&](Value n, int64_t columns) {
      tiles(n, columns, [&](const Tile &t) {
        Carried values;
        vectors(t, [&](int64_t, Lanes m, Lanes at) {
          values.push_back(vector::LoadOp::create(b, sumVector, partial,
                                                  ValueRange{local(m.v), arith::SubIOp::create(b, at.v, n0)}));
        });
        finish(t, values);
      });
    });
  for (const char *why : {e.failure, readA->failure(), readB->failure()})
    if (why)
      return decline(kernel.source, why);
  kernel.finish(p.tasks());
  return success();
}

//===--- Loops of a task ---------------------------------------------------------------------===//

void GemmEmitter::panels(llvm::function_ref<void(Value, int64_t)> body) {
  Value first = times(group, p.groupPanels);
  Value end = arith::MinUIOp::create(b, plus(first, p.groupPanels), constantIndex(b, p.wholePanels));
  if (p.wholePanels)
    forLoop(b, first, end, 1, {}, [&](Value panel, ValueRange) -> Carried {
      body(times(panel, p.panel), p.panel);
      return {};
    });
  if (int64_t edge = c.N - p.wholePanels * p.panel)
    ifEqual(b, group, p.groups - 1, [&] { body(constantIndex(b, c.N - edge), edge); });
}

void GemmEmitter::tiles(Value n, int64_t columns, llvm::function_ref<void(const Tile &)> body) {
  int64_t edge = c.M % p.tileM;
  if (c.M >= p.tileM) {
    Value end = arith::MinUIOp::create(b, plus(m0, p.blockM), constantIndex(b, c.M - edge));
    forLoop(b, m0, end, p.tileM, {}, [&](Value m, ValueRange) -> Carried {
      body({m, n, p.tileM, columns});
      return {};
    });
  }
  if (edge)
    ifEqual(b, mBlock, p.mBlocks - 1, [&] { body({constantIndex(b, c.M - edge), n, edge, columns}); });
}

void GemmEmitter::vectors(const Tile &t, llvm::function_ref<void(int64_t, Lanes, Lanes)> body) {
  for (int64_t i = 0; i < t.rows; ++i) {
    Lanes m{plus(t.m, i)};
    for (int64_t j = 0; j < t.columns; j += p.lanes) {
      Evaluator::Scope scope(e);
      if (t.columns - j < p.lanes)
        e.mask = vector::ConstantMaskOp::create(b, e.vectorOf(b.getI1Type()), ArrayRef<int64_t>{t.columns - j});
      body(i, m, {plus(t.n, j), 1});
    }
  }
}

void GemmEmitter::slab(const Slab &s) {
  if (packsA)
    packA(s);
  if (p.bytes)
    sumRows(s);
  panels([&](Value n, int64_t columns) {
    if (packsB)
      packB(s, n, columns);
    tiles(n, columns, [&](const Tile &t) { multiply(s, t); });
  });
}

//===--- Packing -----------------------------------------------------------------------------===//

/// Calls body(k in the slab, groups, elements) for pieces of at most `lanes` groups.
static void pieces(ImplicitLocOpBuilder &b, int64_t groups, int64_t elements, const GemmPlan &p,
                   llvm::function_ref<void(Value, int64_t, int64_t)> body) {
  int64_t whole = elements / (p.lanes * p.per) * p.lanes;
  if (whole)
    forLoop(b, constantIndex(b, 0), constantIndex(b, whole), p.lanes, {}, [&](Value k, ValueRange) -> Carried {
      body(k, p.lanes, p.lanes * p.per);
      return {};
    });
  if (whole < groups)
    body(constantIndex(b, whole), groups - whole, elements - whole * p.per);
}

void GemmEmitter::packA(const Slab &s) {
  auto store = [&](Value m, int64_t count, Value k, int64_t groups, int64_t elements) {
    Value at = times(arith::AddIOp::create(b, s.k, k), p.per);
    SmallVector<Value> words = readA->read(m, count, at, groups, elements, across);
    for (int64_t i = 0; i < (across ? groups : count); ++i)
      vector::StoreOp::create(b, words[i], panelA, across ? placeInA(m, 0, plus(k, i)) : placeInA(m, i, k));
  };
  auto rows = [&](llvm::function_ref<void(Value, int64_t)> body) {
    int64_t edge = c.M % p.lanes;
    Value end = arith::MinUIOp::create(b, plus(m0, p.blockM), constantIndex(b, c.M - edge));
    forLoop(b, m0, end, p.lanes, {}, [&](Value m, ValueRange) -> Carried {
      body(m, p.lanes);
      return {};
    });
    if (edge)
      ifEqual(b, mBlock, p.mBlocks - 1, [&] { body(constantIndex(b, c.M - edge), edge); });
  };
  // The inner loop runs along memory.
  int64_t elements = elementsIn(s);
  if (across)
    return pieces(b, s.groups, elements, p, [&](Value k, int64_t groups, int64_t some) {
      rows([&](Value m, int64_t count) { store(m, count, k, groups, some); });
    });
  rows([&](Value m, int64_t count) {
    pieces(b, s.groups, elements, p, [&](Value k, int64_t groups, int64_t some) { store(m, count, k, groups, some); });
  });
}

void GemmEmitter::packB(const Slab &s, Value n, int64_t columns) {
  auto store = [&](int64_t j, Value k, int64_t groups, int64_t elements) {
    Value at = times(arith::AddIOp::create(b, s.k, k), p.per);
    SmallVector<Value> words =
        readB->read(plus(n, j), std::min(p.lanes, columns - j), at, groups, elements, /*alongX=*/true);
    for (int64_t i = 0; i < groups; ++i)
      vector::StoreOp::create(b, words[i], panelB, ValueRange{plus(k, i), constantIndex(b, j)});
  };
  // The inner loop runs along memory.
  int64_t elements = elementsIn(s);
  if (!c.b.alongK)
    return pieces(b, s.groups, elements, p, [&](Value k, int64_t groups, int64_t some) {
      for (int64_t j = 0; j < columns; j += p.lanes)
        store(j, k, groups, some);
    });
  for (int64_t j = 0; j < columns; j += p.lanes)
    pieces(b, s.groups, elements, p, [&](Value k, int64_t groups, int64_t some) { store(j, k, groups, some); });
}

void GemmEmitter::sumRows(const Slab &s) {
  // Codes of b are 128 too large, or 1 in panels: that · Σ_k a[m, k] is subtracted from the start of row m, for each
  // block.
  int32_t bias = c.b.format == Format::panels ? -1 : -128;
  auto splat = [&](int32_t value) -> Value { return constant(b, wordVector, value); };
  Value ones = splat(0x01010101), end = arith::MinUIOp::create(b, plus(m0, p.blockM), constantIndex(b, c.M));
  int64_t length = c.block ? p.perBlock : s.groups, blocks = s.groups / length;
  auto rows = [&](int64_t step, llvm::function_ref<void(Value m, Value block, Value k)> body) {
    forLoop(b, m0, end, step, {}, [&](Value m, ValueRange) -> Carried {
      forLoop(b, constantIndex(b, 0), constantIndex(b, blocks), 1, {}, [&](Value block, ValueRange) -> Carried {
        body(m, block, times(block, length));
        return {};
      });
      return {};
    });
  };
  if (across) // a lane is a row
    return rows(p.lanes, [&](Value m, Value block, Value first) {
      auto add = [&](Value k, ValueRange in) -> Carried {
        return {dot(in[0], vector::LoadOp::create(b, wordVector, panelA, placeInA(m, 0, k)), ones)};
      };
      Value last = plus(first, length);
      Carried sum = forLoop(b, first, last, 1, {splat(0)}, add);
      vector::StoreOp::create(b, arith::MulIOp::create(b, sum[0], splat(bias)), sums, ValueRange{block, local(m)});
    });
  auto add = [&](Value acc, Value m, Value k, int64_t groups) {
    Value words;
    if (packsA)
      words = vector::LoadOp::create(b, wordVector, panelA, ValueRange{local(m), k});
    else
      words = readA->read(m, 1, times(arith::AddIOp::create(b, s.k, k), p.per), groups, groups * p.per,
                          /*alongX=*/false)[0];
    if (packsA && c.block && groups < p.lanes) {
      Value mask = vector::ConstantMaskOp::create(b, wordVector.clone(b.getI1Type()), ArrayRef<int64_t>{groups});
      words = arith::SelectOp::create(b, mask, words, splat(0));
    }
    return dot(acc, words, ones);
  };
  rows(1, [&](Value m, Value block, Value first) {
    int64_t whole = length / p.lanes * p.lanes;
    Carried acc = forLoop(b, first, plus(first, whole), p.lanes, {splat(0)},
                          [&](Value k, ValueRange in) -> Carried { return {add(in[0], m, k, p.lanes)}; });
    if (whole < length)
      acc[0] = add(acc[0], m, plus(first, whole), length - whole);
    Value sum = vector::ReductionOp::create(b, vector::CombiningKind::ADD, acc[0]);
    Value factor = arith::ConstantOp::create(b, b.getI32IntegerAttr(bias));
    memref::StoreOp::create(b, arith::MulIOp::create(b, sum, factor), sums, ValueRange{block, local(m)});
  });
}

//===--- The micro-kernel --------------------------------------------------------------------===//

static Value intrinsic(ImplicitLocOpBuilder &b, StringRef name, Type type, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands).getResult(0);
}

Value GemmEmitter::dot(Value acc, Value x, Value y) {
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
  Value pairs = intrinsic(b, wide ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd", wordVector, {x, y});
  return arith::AddIOp::create(b, acc, pairs);
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

/// What codes of b that are not theirs make of the sums of block `block` is taken from where they start.
Carried GemmEmitter::startOfRows(const Tile &t, Carried sumsOfTile, Value block) {
  int64_t perRow = llvm::divideCeil(t.columns, p.lanes);
  for (auto [i, acc] : llvm::enumerate(sumsOfTile)) {
    Value sum = memref::LoadOp::create(b, sums, ValueRange{block, local(plus(t.m, i / perRow))});
    acc = arith::AddIOp::create(b, acc, vector::BroadcastOp::create(b, wordVector, sum));
  }
  return sumsOfTile;
}

/// Adds the products of `groups` groups of the slab from `first` on.
Carried GemmEmitter::addUp(const Slab &s, const Tile &t, Value first, int64_t groups, ValueRange accumulators) {
  int64_t perRow = llvm::divideCeil(t.columns, p.lanes);
  return forLoop(b, first, plus(first, groups), 1, accumulators, [&](Value k, ValueRange in) -> Carried {
    Carried next(in), columns;
    for (int64_t j = 0; j < t.columns; j += p.lanes)
      columns.push_back(vectorOfB(s, t, k, j));
    for (int64_t i = 0; i < t.rows; ++i) {
      Value x = vector::BroadcastOp::create(b, wordVector, wordOfA(s, t, i, k));
      for (int64_t j = 0; j < perRow; ++j)
        next[i * perRow + j] = dot(next[i * perRow + j], x, columns[j]);
    }
    return next;
  });
}

/// Adds the integers of every block of the slab, times its scales.
Carried GemmEmitter::addBlocks(const Slab &s, const Tile &t, ValueRange accumulators) {
  Value firstBlock = arith::DivUIOp::create(b, s.k, constantIndex(b, p.perBlock));
  auto add = [&](Value block, ValueRange in) -> Carried {
    Carried start(in.size(), constant(b, wordVector, 0));
    if (p.bytes)
      start = startOfRows(t, start, block);
    Carried integers = addUp(s, t, times(block, p.perBlock), p.perBlock, start), next;
    Value number = arith::AddIOp::create(b, firstBlock, block);
    Evaluator::Scope scope(e);
    vectors(t, [&](int64_t, Lanes m, Lanes n) {
      Value scale, sum = arith::SIToFPOp::create(b, sumVector, integers[next.size()]);
      for (auto [factor, x] : {std::pair(&c.a, m), std::pair(&c.b, n)}) {
        if (!factor->scales)
          continue;
        SmallVector<Lanes> at{x, {number}};
        if (factor->scalesAlongX)
          std::swap(at[0], at[1]);
        Lanes stored = e.element(factor->scales, at);
        Value own =
            decode(b, scaleFormatOf(stored.v.getType()), stored.v, withElementOf(stored.v.getType(), b.getF32Type()));
        own = e.vector(Lanes{own});
        scale = scale ? mul(b, scale, own) : own;
      }
      next.push_back(math::FmaOp::create(b, sum, scale, in[next.size()]));
    });
    return next;
  };
  return forLoop(b, constantIndex(b, 0), constantIndex(b, s.groups / p.perBlock), 1, accumulators, add);
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

LogicalResult nanochat::emitGemm(func::FuncOp kernel, const Target &target) {
  FailureOr<MatrixProduct> c = matchKernel(kernel);
  if (failed(c))
    return failure();
  if (c->s)
    return decline(kernel, "products of slices are emitted for GPUs alone");
  std::optional<GemmPlan> plan = planGemm(*c, target.facts);
  if (!plan)
    return decline(kernel, "its blocks of scales are no whole part of a vector");
  if (failed(GemmEmitter(kernel, *c, *plan).emit()))
    return failure();
  return expandMath(kernel);
}
