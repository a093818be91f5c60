// Matrix products on tensor cores: blocks of threads fetch stages of both factors ahead, warps multiply what has
// arrived, and what follows the product is computed on its fragments.
#include "lib/Targets/gpu/Emitters.h"
#include "lib/Targets/gpu/GemmTile.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

static constexpr int64_t kWarp = 32, kFragmentRows = 16, kFragmentColumns = 8;

namespace {
class GpuGemm {
public:
  GpuGemm(func::FuncOp source, MatrixProduct &c, Format type, const GemmTile &tile)
      : c(c), type(type), tile(tile), kernel(source, tile.threads()), b(kernel.b), g(b), e(b, 2),
        factorA(g, c, c.a, type, tile, tile.rows, c.M, kernel),
        factorB(g, c, c.b, type, tile, tile.columns, c.N, kernel) {
    for (auto [argument, buffer] : llvm::zip(source.getArguments(), kernel.inputs))
      e.bind(argument, buffer);
    e.alignsVectors = true;
  }
  LogicalResult emit();

private:
  using Sums = SmallVector<Value>;
  void placeBlock();
  Sums multiplyAll();
  Sums multiplyStage(Value stage, ValueRange sums, ValueRange scales);
  int64_t scaleWords() const { return kStageBytes / c.block / 4; }
  SmallVector<Value> loadScales(Value stage);
  void loadScales(const Factor &factor, Value x, int64_t extent, Value stage, SmallVector<Value> &words);
  GpuBuilder::Scales scalesOf(ValueRange scales, bool isA, int64_t fragment, int64_t step);
  void fetch(Value stage, Value slot, SmallVector<Value> &a, SmallVector<Value> &b);
  void finish(ValueRange sums);
  void finishPair(Value m, Value n, Value low, Value high);
  void storeResults(Lanes m, Lanes n, Value sums);
  bool copies() const { return factorA.isDirect() || factorB.isDirect(); }
  int64_t rowFragments() const { return tile.warpRows / kFragmentRows; }
  int64_t columnFragments() const { return tile.warpColumns / kFragmentColumns; }

  MatrixProduct &c;
  Format type;
  GemmTile tile;
  Kernel kernel;
  ImplicitLocOpBuilder &b;
  GpuBuilder g;
  Evaluator e;
  StagedFactor factorA, factorB;
  Value slice, m0, n0, warpM, warpN; // of the block; of the warp within it
};
} // namespace

void GpuGemm::placeBlock() {
  int64_t down = llvm::divideCeil(c.M, tile.rows), across = llvm::divideCeil(c.N, tile.columns),
          warpsAcross = tile.columns / tile.warpColumns;
  Value task = g.narrow(kernel.task), warp = g.div(g.thread(), kWarp);
  m0 = g.mul(g.rem(task, down), tile.rows);
  Value ofN = g.div(task, down);
  slice = c.s ? g.div(ofN, across) : Value();
  n0 = g.mul(c.s ? g.rem(ofN, across) : ofN, tile.columns);
  warpM = g.mul(g.div(warp, warpsAcross), tile.warpRows);
  warpN = g.mul(g.rem(warp, warpsAcross), tile.warpColumns);
  factorA.place(g.pointer(kernel.shared({tile.stages, factorA.bytes()}, b.getI8Type())), m0, slice);
  factorB.place(g.pointer(kernel.shared({tile.stages, factorB.bytes()}, b.getI8Type())), n0, slice);
}

/// Starts the copies of a stage; elements that are computed are returned in `a` and `b`, for the caller to store.
void GpuGemm::fetch(Value stage, Value slot, SmallVector<Value> &a, SmallVector<Value> &b) {
  Value k = g.mul(stage, kStageBytes / kChunkBytes * perChunk(type));
  a = factorA.fetch(k, g.mul(slot, factorA.bytes()));
  b = factorB.fetch(k, g.mul(slot, factorB.bytes()));
  if (copies())
    g.commit();
}

/// The scales of a stage in one row or column for each fragment, in words of four; those of a first.
SmallVector<Value> GpuGemm::loadScales(Value stage) {
  SmallVector<Value> words;
  for (int64_t i = 0; c.a.scales && i < rowFragments(); ++i)
    loadScales(c.a, g.add(g.add(g.add(m0, warpM), g.rowOfScales(true)), i * kFragmentRows), c.M, stage, words);
  for (int64_t j = 0; c.b.scales && j < columnFragments(); ++j)
    loadScales(c.b, g.add(g.add(g.add(n0, warpN), g.rowOfScales(false)), j * kFragmentColumns), c.N, stage, words);
  return words;
}

/// Beyond the last row or block are others' scales: codes there are zeros.
void GpuGemm::loadScales(const Factor &factor, Value x, int64_t extent, Value stage, SmallVector<Value> &words) {
  int64_t count = c.K / c.block, unit = count % 4 ? 1 : 4;
  Value source = g.pointer(kernel.inputOf(factor.scales));
  Value line = g.index(arith::MinSIOp::create(b, x, g.i32(extent - 1)));
  auto load = [&](Value at) -> Value {
    Value inside = g.index(arith::MinSIOp::create(b, at, g.i32(count / unit - 1)));
    Value units = arith::AddIOp::create(
        b, arith::MulIOp::create(b, line, arith::ConstantIndexOp::create(b, count / unit)), inside);
    return LLVM::LoadOp::create(b, b.getIntegerType(8 * unit), g.element(source, units, unit), unit);
  };
  Value first = g.mul(stage, scaleWords());
  for (int64_t w = 0; w < scaleWords(); ++w) {
    Value number = g.add(first, w);
    if (unit == 4) {
      words.push_back(load(number));
      continue;
    }
    Value word = g.i32(0);
    for (int64_t e = 0; e < 4; ++e) {
      Value byte = arith::ExtUIOp::create(b, b.getI32Type(), load(g.add(g.mul(number, 4), e)));
      word = arith::OrIOp::create(b, word, arith::ShLIOp::create(b, byte, g.i32(8 * e)));
    }
    words.push_back(word);
  }
}

/// Those of the `step`-th 32 bytes of k.
GpuBuilder::Scales GpuGemm::scalesOf(ValueRange scales, bool isA, int64_t fragment, int64_t step) {
  int64_t perStep = 32 / c.block, bytes = perStep * step;
  if (!(isA ? c.a : c.b).scales)
    return {g.i32(c.block == 16 ? 0x7F7F7F7F : 0x38383838), bytes % 4}; // ones
  int64_t before = isA || !c.a.scales ? 0 : rowFragments();
  return {scales[(before + fragment) * scaleWords() + bytes / 4], bytes % 4};
}

GpuGemm::Sums GpuGemm::multiplyStage(Value slot, ValueRange given, ValueRange scales) {
  Sums sums(given);
  Value atA = g.mul(slot, factorA.bytes()), atB = g.mul(slot, factorB.bytes());
  for (int64_t step = 0; step < kStageBytes / 32; ++step) {
    SmallVector<SmallVector<Value>> a, columns;
    for (int64_t i = 0; i < rowFragments(); ++i)
      a.push_back(factorA.fragments(atA, g.add(warpM, i * kFragmentRows), step, /*isA=*/true));
    for (int64_t j = 0; j < columnFragments(); j += 2) {
      SmallVector<Value> two = factorB.fragments(atB, g.add(warpN, j * kFragmentColumns), step, /*isA=*/false);
      columns.push_back({two[0], two[1]});
      columns.push_back({two[2], two[3]});
    }
    for (int64_t i = 0; i < rowFragments(); ++i)
      for (int64_t j = 0; j < columnFragments(); ++j) {
        int64_t at = 4 * (i * columnFragments() + j);
        auto those = ArrayRef(sums).slice(at, 4);
        Sums next = c.block ? g.multiplyScaled(c.block == 16 ? Fp4Format::mxfp4 : Fp4Format::nvfp4, a[i], columns[j],
                                               those, scalesOf(scales, true, i, step), scalesOf(scales, false, j, step))
                            : g.multiply(type, a[i], columns[j], those);
        llvm::copy(next, sums.begin() + at);
      }
  }
  return sums;
}

GpuGemm::Sums GpuGemm::multiplyAll() {
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(c.sum));
  int64_t stages = llvm::divideCeil(c.K, kStageBytes / kChunkBytes * perChunk(type)), ahead = tile.stages - 1;
  SmallVector<Value> a, columns;
  for (int64_t s = 0; s < ahead; ++s) {
    fetch(g.i32(s), g.i32(s), a, columns);
    factorA.store(a, g.i32(s * factorA.bytes()));
    factorB.store(columns, g.i32(s * factorB.bytes()));
  }
  Sums start(4 * rowFragments() * columnFragments(), zero);
  // Scales are loaded to registers, a stage ahead.
  Carried first = start;
  if (c.block)
    llvm::append_range(first, loadScales(g.i32(0)));
  Carried last = forLoop(b, constantIndex(b, 0), constantIndex(b, stages), 1, first, [&](Value iv, ValueRange carried) {
    ValueRange sums = carried.take_front(start.size()), scales = carried.drop_front(start.size());
    Value stage = g.narrow(iv), next = g.add(stage, ahead), slot = g.rem(next, tile.stages);
    if (copies())
      g.waitFor(ahead - 1);
    g.barrier();
    fetch(next, slot, a, columns);
    // Tensor cores of sm_89 keep 13 bits of sums of 8-bit floats: those of a stage are added to sums in f32.
    bool addsStages = c.isFloat() && type == Format::e4m3;
    SmallVector<Value> nextScales = c.block ? loadScales(g.add(stage, 1)) : SmallVector<Value>();
    Sums products = multiplyStage(g.rem(stage, tile.stages), addsStages ? ValueRange(start) : sums, scales);
    if (addsStages)
      for (auto [product, sum] : llvm::zip(products, sums))
        product = arith::AddFOp::create(b, sum, product);
    factorA.store(a, g.mul(slot, factorA.bytes()));
    factorB.store(columns, g.mul(slot, factorB.bytes()));
    Carried all(products);
    llvm::append_range(all, nextScales);
    return all;
  });
  last.truncate(start.size());
  return last;
}

void GpuGemm::storeResults(Lanes m, Lanes n, Value sums) {
  SmallVector<Lanes> at{m, n};
  if (c.s)
    at.insert(at.begin(), Lanes{g.index(slice)});
  // Sums start from zero, and what they should start from is added in the end: its latency would delay the loop.
  Value from = c.init();
  if (from && !matchPattern(from, m_Constant()) && !isa_and_nonnull<linalg::FillOp>(from.getDefiningOp())) {
    Value init = e.vector(e.element(from, at));
    sums = c.isFloat() ? Value(arith::AddFOp::create(b, init, sums)) : Value(arith::AddIOp::create(b, init, sums));
  }
  e.define(c.result(), at, {sums});
  SmallVector<Lanes> values;
  auto results = kernel.source.front().getTerminator()->getOperands();
  auto shape = cast<RankedTensorType>(c.result().getType()).getShape();
  for (Value result : results) {
    if (cast<RankedTensorType>(result.getType()).getShape() != shape)
      e.failure = kOtherShape;
    if (e.failure)
      return;
    values.push_back(e.element(result, at));
  }
  for (auto [value, buffer] : llvm::zip(values, kernel.outputs))
    e.store(value, buffer, at);
}

/// Stores two neighbours of a row of the result, as far as it reaches.
void GpuGemm::finishPair(Value m, Value n, Value low, Value high) {
  Value isThere = arith::AndIOp::create(b, g.less(m, g.i32(c.M)), g.less(n, g.i32(c.N)));
  auto branch = scf::IfOp::create(b, isThere, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Evaluator::Scope scope(e);
  if (c.N % 2) {
    Value rest = arith::SubIOp::create(b, constantIndex(b, c.N), g.index(n));
    e.mask = vector::CreateMaskOp::create(b, e.vectorOf(b.getI1Type()), ValueRange{rest});
  }
  Value pair = vector::FromElementsOp::create(b, e.vectorOf(low.getType()), ValueRange{low, high});
  storeResults({g.index(m)}, {g.index(n), 1, true}, pair);
}

void GpuGemm::finish(ValueRange sums) {
  Value lane = g.rem(g.thread(), kWarp), row = g.div(lane, 4), column = g.mul(g.rem(lane, 4), 2);
  for (int64_t i = 0; i < rowFragments(); ++i)
    for (int64_t j = 0; j < columnFragments(); ++j)
      for (int64_t half = 0; half < 2; ++half) {
        int64_t at = 4 * (i * columnFragments() + j) + 2 * half;
        Value m = g.add(g.add(g.add(m0, warpM), row), i * kFragmentRows + half * 8);
        Value n = g.add(g.add(g.add(n0, warpN), column), j * kFragmentColumns);
        finishPair(m, n, sums[at], sums[at + 1]);
      }
}

LogicalResult GpuGemm::emit() {
  placeBlock();
  finish(multiplyAll());
  for (const char *why : {e.failure, factorA.failure(), factorB.failure()})
    if (why)
      return decline(kernel.source, why);
  kernel.finish(c.S * llvm::divideCeil(c.M, tile.rows) * llvm::divideCeil(c.N, tile.columns));
  return success();
}

/// "128x64x3" as rows, columns and stages.
static std::optional<GemmTile> parseTile(StringRef text) {
  int64_t numbers[3];
  SmallVector<StringRef> parts;
  text.split(parts, 'x');
  if (parts.size() != 3)
    return std::nullopt;
  for (auto [part, number] : llvm::zip(parts, numbers))
    if (part.getAsInteger(10, number) || number < 1 || number > 4096) // beyond any block, and products of these fit
      return std::nullopt;
  auto [rows, columns, stages] = numbers;
  GemmTile tile{rows, columns, rows % 128 ? 32 : 64, 32, stages};
  bool isCut = rows % 64 == 0 && columns % 64 == 0 && stages >= 2 && tile.threads() <= 1024;
  return isCut ? std::optional(tile) : std::nullopt;
}

LogicalResult nanochat::checkGemmTile(Location loc, const Target &target) {
  if (!target.gpu || target.gpu->gemmTile.empty())
    return success();
  const GpuFacts &facts = *target.gpu;
  std::optional<GemmTile> tile = parseTile(facts.gemmTile);
  if (!tile)
    return emitError(loc)
           << "'" << facts.gemmTile << "' is no tile of matrix products: it is ROWSxCOLUMNSxSTAGES, such as 128x128x3, "
           << "with rows and columns in multiples of 64 and up to 4096, 2 to 4096 stages and no more than 1024 threads";
  if (tile->sharedBytes() <= facts.sharedBytes)
    return success();
  InFlightDiagnostic error = emitError(loc) << "a tile of " << facts.gemmTile << " takes " << tile->sharedBytes()
                                            << " bytes of shared memory, and a block of " << facts.chip
                                            << " has at most " << facts.sharedBytes;
  error.attachNote() << "fewer stages, rows or columns fit; each stage of a row or column takes " << kStageBytes
                     << " bytes";
  return error;
}

/// Small blocks where large ones would leave multiprocessors idle.
static GemmTile chooseTile(const MatrixProduct &c, Format type, const GpuFacts &facts) {
  if (std::optional<GemmTile> tile = parseTile(facts.gemmTile))
    return *tile;
  constexpr GemmTile large{128, 128, 64, 32, 3}, small{64, 64, 32, 32, 4};
  int64_t blocks = c.S * llvm::divideCeil(c.M, large.rows) * llvm::divideCeil(c.N, large.columns);
  // 3xTF32 takes registers for low parts.
  bool isLarge = blocks >= facts.multiprocessors && type != Format::f32 && large.sharedBytes() <= facts.sharedBytes;
  return isLarge ? large : small;
}

/// What its factors are to tensor cores: their common format or, for other floats, f32.
static std::optional<Format> unitFor(const MatrixProduct &c, const GpuFacts &facts) {
  if (c.areBoth(c.a.format) && facts.multiplies(c.a.format))
    return c.a.format;
  if (c.isAny(Format::e2m1)) // pairs are no number
    return std::nullopt;
  return c.isFloat() && facts.multiplies(Format::f32) ? std::optional(Format::f32) : std::nullopt;
}

LogicalResult nanochat::emitGpuGemm(func::FuncOp kernel, const Target &target) {
  FailureOr<MatrixProduct> c = matchKernel(kernel);
  if (failed(c))
    return failure();
  auto isStored = [](Value scales) { return !scales || isa<BlockArgument>(scales); };
  if (c->block && (!c->areBoth(Format::e2m1) || !isStored(c->a.scales) || !isStored(c->b.scales)))
    return decline(kernel, "its scaled blocks are not of stored pairs of four-bit floats");
  auto type = unitFor(*c, *target.gpu);
  if (!type)
    return decline(kernel, "the target's tensor cores have no product of " + stringifyFormat(c->a.format) + " and " +
                               stringifyFormat(c->b.format));
  GemmTile tile = chooseTile(*c, *type, *target.gpu);
  if (failed(GpuGemm(kernel, *c, *type, tile).emit()))
    return failure();
  return expandMath(kernel);
}
