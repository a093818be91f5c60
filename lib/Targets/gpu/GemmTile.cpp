#include "lib/Targets/gpu/GemmTile.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

StagedFactor::StagedFactor(GpuBuilder &g, const MatrixProduct &c, const Factor &factor, Format type,
                           const GemmTile &tile, int64_t size, int64_t extent, Kernel &kernel)
    : g(g), b(g.b), c(c), factor(factor), type(type), threads(tile.threads()), size(size), extent(extent),
      per(perChunk(type)), alongK(factor.alongK || perChunk(type) == 16),
      chunksInRow(alongK ? kStageBytes / kChunkBytes : size / per), e(b, per) {
  for (auto [argument, buffer] : llvm::zip(kernel.source.getArguments(), kernel.inputs))
    e.bind(argument, buffer);
  e.alignsVectors = true;
  // Rows of a stage are rows of the argument, whole chunks each.
  bool isStored = getElementTypeOrSelf(factor.tensor()).getIntOrFloatBitWidth() * per == 8 * kChunkBytes;
  direct = isStored && isa<BlockArgument>(factor.tensor()) && factor.map.isProjectedPermutation() &&
           strideOf(alongK ? c.k : factor.x) == 1 && (alongK ? c.K : extent) % per == 0;
  if (direct)
    source = g.pointer(kernel.inputOf(factor.tensor()));
}

/// Elements from one step of a loop to the next.
int64_t StagedFactor::strideOf(unsigned loop) const {
  auto shape = cast<RankedTensorType>(factor.tensor().getType()).getShape();
  std::optional<unsigned> position = factor.map.getResultPosition(getAffineDimExpr(loop, b.getContext()));
  return position ? ShapedType::getNumElements(shape.drop_front(*position + 1)) : 0;
}

void StagedFactor::place(Value shared, Value start, Value slice) {
  memory = shared, this->start = start, this->slice = slice;
  if (direct && slice)
    source = g.element(source, g.index(slice), strideOf(*c.s) * kChunkBytes / per);
}

/// The i-th chunk of this thread.
StagedFactor::Chunk StagedFactor::chunkOf(int64_t i) {
  Value number = g.add(g.thread(), i * threads);
  Value row = g.div(number, chunksInRow), chunk = g.rem(number, chunksInRow);
  return {row, chunk, placeOf(row, chunk)};
}

Value StagedFactor::placeOf(Value row, Value chunk) {
  // Eight rows of a matrix are read at once, or four rows of words.
  Value turn = alongK || !areWords() ? g.rem(row, 8) : g.mul(g.rem(row, 4), 2);
  Value place = g.bitXor(chunk, turn);
  return g.add(g.mul(row, chunksInRow * kChunkBytes), g.mul(place, kChunkBytes));
}

SmallVector<Value> StagedFactor::fetch(Value k, Value offset) {
  SmallVector<Value> values;
  int64_t chunks = bytes() / kChunkBytes / threads;
  int64_t inner = alongK ? c.K : extent, outer = alongK ? extent : c.K;
  for (int64_t i = 0; i < chunks; ++i) {
    Chunk chunk = chunkOf(i);
    Value line = g.add(alongK ? start : k, chunk.row), along = g.add(alongK ? k : start, g.mul(chunk.chunk, per));
    Value valid = arith::AndIOp::create(b, g.less(line, g.i32(outer)), g.less(along, g.i32(inner)));
    if (!direct) {
      Value most = arith::MinSIOp::create(b, line, g.i32(outer - 1));
      values.push_back(alongK ? evaluate(most, along, valid) : evaluate(along, most, valid));
      continue;
    }
    Value ofLine = arith::ConstantIndexOp::create(b, strideOf(alongK ? factor.x : c.k));
    Value linear = arith::AddIOp::create(b, arith::MulIOp::create(b, g.index(line), ofLine), g.index(along));
    linear = arith::SelectOp::create(b, valid, linear, arith::ConstantIndexOp::create(b, 0));
    g.copyAsync(g.behind(memory, g.add(offset, chunk.at)), g.element(source, linear, kChunkBytes / per), valid);
  }
  return values;
}

/// The elements of a chunk, zero where there are none. x or k, which runs along the chunk, is its first.
Value StagedFactor::evaluate(Value x, Value k, Value valid) {
  VectorType result = e.vectorOf(storedAs(type, b));
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(result));
  int64_t inner = alongK ? c.K : extent;
  auto compute = [&]() -> Value {
    SmallVector<Lanes> dims(factor.map.getNumDims());
    if (c.s)
      dims[*c.s] = {g.index(slice)};
    dims[c.k] = alongK ? Lanes{g.index(k), 1, true} : Lanes{g.index(k)};
    dims[factor.x] = alongK ? Lanes{g.index(x)} : Lanes{g.index(x), 1, true};
    Value elements = e.vector(e.element(factor.tensor(), factor.map, dims));
    if (isa<FloatType>(result.getElementType()))
      return decode(b, factor.format, elements, result);
    return vector::BitCastOp::create(b, result, elements);
  };
  if (inner % per == 0) {
    auto branch = scf::IfOp::create(b, TypeRange(result), valid, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Evaluator::Scope scope(e);
    scf::YieldOp::create(b, compute());
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, zero);
    return branch.getResult(0);
  }
  // Some of the lanes; a line beyond the last was brought back, and none of its lanes counts.
  Evaluator::Scope scope(e);
  Value count = arith::SelectOp::create(b, valid, arith::SubIOp::create(b, g.i32(inner), alongK ? k : x), g.i32(0));
  e.mask = vector::CreateMaskOp::create(b, e.vectorOf(b.getI1Type()), ValueRange{g.index(count)});
  return arith::SelectOp::create(b, e.mask, compute(), zero);
}

void StagedFactor::store(ValueRange chunks, Value offset) {
  for (auto [i, chunk] : llvm::enumerate(chunks))
    LLVM::StoreOp::create(b, chunk, g.behind(memory, g.add(offset, chunkOf(i).at)), kChunkBytes);
}

SmallVector<Value> StagedFactor::fragments(Value offset, Value x, int64_t step, bool isA) {
  if (!alongK && areWords())
    return wordsAcross(offset, x, step, isA);
  // The order of matrices: of a rows first, of b the words of k first.
  Value lane = g.rem(g.thread(), 32), matrix = g.div(lane, 8), row = g.rem(lane, 8);
  Value ofX = isA ? g.rem(matrix, 2) : g.div(matrix, 2), ofK = isA ? g.div(matrix, 2) : g.rem(matrix, 2);
  Value place = alongK ? placeOf(g.add(g.add(x, g.mul(ofX, 8)), row), g.add(ofK, 2 * step))
                       : placeOf(g.add(g.add(g.mul(ofK, 8), row), 16 * step), g.add(g.div(x, 8), ofX));
  return g.loadMatrices(g.behind(memory, g.add(offset, place)), 4, !alongK);
}

/// Words of k that lie rows apart.
SmallVector<Value> StagedFactor::wordsAcross(Value offset, Value x, int64_t step, bool isA) {
  Value lane = g.rem(g.thread(), 32), column = g.div(lane, 4), word = g.rem(lane, 4);
  SmallVector<Value> words;
  for (int64_t w = 0; w < 4; ++w) {
    int64_t ofX = isA ? w % 2 : w / 2, ofK = isA ? w / 2 : w % 2;
    Value at = g.add(g.add(x, column), 8 * ofX), k = g.add(word, 8 * step + 4 * ofK);
    Value place = g.add(placeOf(k, g.div(at, per)), g.mul(g.rem(at, per), kChunkBytes / per));
    words.push_back(LLVM::LoadOp::create(b, b.getI32Type(), g.behind(memory, g.add(offset, place))));
  }
  return words;
}
