#include "dialect/ops/quantize/Quantize.h"
#include "lib/Targets/kernels/GemmEmitter.h"

using namespace mlir;
using namespace mlir::nanochat;

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
    directA = kernel.inputOf(argument);
  // Panels of codes are what the dot product of bytes takes, (out / 16, in / 4, 64), if outputs are columns.
  packsB = !(p.bytes && isOfPanels(c.b.format) && matchPanels(c.b.map)->out == c.n);
  if (packsB)
    panelB = kernel.scratch({p.blockK, p.panel}, word);
  else
    directB = memref::CollapseShapeOp::create(b, kernel.inputOf(c.b.tensor()),
                                              SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
  if (slabs)
    partial = kernel.scratch({p.blockM, p.groupPanels * p.panel}, sumVector.getElementType());
  int64_t blocks = c.block ? p.blockK / p.perBlock : 1;
  if (p.bytes)
    sums = kernel.scratch(across ? ArrayRef{blocks, p.blockM} : ArrayRef{p.blockM, blocks}, word);
  if (c.a.scales)
    scalesA =
        kernel.scratch(c.a.scalesAlongX ? ArrayRef{blocks, p.blockM} : ArrayRef{p.blockM, blocks}, b.getF32Type());
  if (c.b.scales)
    scalesB = kernel.scratch({blocks, p.panel}, b.getF32Type());
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
  if (c.a.scales)
    convertScalesOfA(s);
  panels([&](Value n, int64_t columns) {
    if (packsB)
      packB(s, n, columns);
    if (c.b.scales)
      convertScalesOfB(s, n, columns);
    tiles(n, columns, [&](const Tile &t) { multiply(s, t); });
  });
}

//===--- Packing -----------------------------------------------------------------------------===//

/// Calls body(k in the slab, groups, elements) for pieces of at most `most` groups.
static void pieces(ImplicitLocOpBuilder &b, int64_t groups, int64_t elements, int64_t per, int64_t most,
                   llvm::function_ref<void(Value, int64_t, int64_t)> body) {
  int64_t whole = elements / (most * per) * most;
  if (whole)
    forLoop(b, constantIndex(b, 0), constantIndex(b, whole), most, {}, [&](Value k, ValueRange) -> Carried {
      body(k, most, most * per);
      return {};
    });
  if (whole < groups)
    body(constantIndex(b, whole), groups - whole, elements - whole * per);
}

void GemmEmitter::rows(llvm::function_ref<void(Value, int64_t)> body) {
  int64_t edge = c.M % p.lanes;
  Value end = arith::MinUIOp::create(b, plus(m0, p.blockM), constantIndex(b, c.M - edge));
  forLoop(b, m0, end, p.lanes, {}, [&](Value m, ValueRange) -> Carried {
    body(m, p.lanes);
    return {};
  });
  if (edge)
    ifEqual(b, mBlock, p.mBlocks - 1, [&] { body(constantIndex(b, c.M - edge), edge); });
}

void GemmEmitter::packA(const Slab &s) {
  auto store = [&](Value m, int64_t count, Value k, int64_t groups, int64_t elements) {
    Value at = times(arith::AddIOp::create(b, s.k, k), p.per);
    SmallVector<Value> words = readA->read(m, count, at, groups, elements, across);
    for (int64_t i = 0; i < (across ? groups : count); ++i)
      vector::StoreOp::create(b, words[i], panelA, across ? placeInA(m, 0, plus(k, i)) : placeInA(m, i, k));
  };
  // The inner loop runs along memory.
  int64_t elements = elementsIn(s);
  if (across) // as many rows of memory as there are lanes: more are more than a processor fetches ahead
    return pieces(b, s.groups, elements, p.per, p.lanes / p.per, [&](Value k, int64_t groups, int64_t some) {
      rows([&](Value m, int64_t count) { store(m, count, k, groups, some); });
    });
  rows([&](Value m, int64_t count) {
    pieces(b, s.groups, elements, p.per, p.lanes,
           [&](Value k, int64_t groups, int64_t some) { store(m, count, k, groups, some); });
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
    return pieces(b, s.groups, elements, p.per, p.lanes, [&](Value k, int64_t groups, int64_t some) {
      for (int64_t j = 0; j < columns; j += p.lanes)
        store(j, k, groups, some);
    });
  for (int64_t j = 0; j < columns; j += p.lanes)
    pieces(b, s.groups, elements, p.per, p.lanes,
           [&](Value k, int64_t groups, int64_t some) { store(j, k, groups, some); });
}

LogicalResult nanochat::emitGemm(func::FuncOp kernel, const Target &target) {
  FailureOr<MatrixProduct> c = matchKernel(kernel);
  if (failed(c))
    return failure();
  if (c->s)
    return decline(kernel, "products of slices are emitted for GPUs alone");
  if (c->isAny(Format::e2m1))
    return decline(kernel, "products of packed four-bit floats are those of tensor cores");
  std::optional<GemmPlan> plan = planGemm(*c, target.facts);
  if (!plan)
    return decline(kernel, "its blocks of scales are no whole part of a vector");
  if (failed(GemmEmitter(kernel, *c, *plan).emit()))
    return failure();
  return expandMath(kernel);
}
