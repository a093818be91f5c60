#include "lib/Targets/kernels/Evaluator.h"
#include "dialect/ops/quantize/Quantize.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

static bool same(Lanes x, Lanes y) { return x.v == y.v && x.stride == y.stride && x.repeat == y.repeat; }

void Evaluator::bind(Value tensor, Value buffer, ArrayRef<Lanes> owned, bool dropsOwned) {
  buffers[tensor] = {buffer, SmallVector<Lanes>(owned), dropsOwned};
}

void Evaluator::define(Value tensor, ArrayRef<Lanes> at, Lanes value) { scopes.back()[key(tensor, at)] = value; }

Evaluator::Key Evaluator::key(Value tensor, ArrayRef<Lanes> at) {
  Key key{{tensor.getAsOpaquePointer(), 0}};
  for (Lanes index : at) {
    key.push_back({index.v.getAsOpaquePointer(), index.stride});
    key.push_back({nullptr, index.repeat});
  }
  return key;
}

Lanes Evaluator::fail(Type type, const char *why) {
  failure = why;
  return {arith::ConstantOp::create(b, b.getZeroAttr(type))};
}

Lanes Evaluator::element(Value tensor, ArrayRef<Lanes> at) {
  Key k = key(tensor, at);
  for (auto &scope : llvm::reverse(scopes))
    if (auto found = scope.find(k); found != scope.end())
      return found->second;
  Lanes result = compute(tensor, at);
  scopes.back()[k] = result;
  return result;
}

Lanes Evaluator::element(Value tensor, AffineMap map, ArrayRef<Lanes> dims) {
  auto buffer = buffers.find(tensor);
  if (std::optional<Panels> panels = matchPanels(map); panels && buffer != buffers.end()) {
    Lanes out = dims[panels->out], in = dims[panels->in];
    if (out.isUniform() && in.isConsecutive() && in.aligned && width % kWord == 0)
      return gatherWords(buffer->second.memref, out, in);
  }
  SmallVector<Lanes> at;
  for (AffineExpr expr : map.getResults()) {
    at.push_back(affine(expr, dims));
    if (!at.back().v)
      return fail(getElementTypeOrSelf(tensor), "an operand is read at an index that is no sum of loops");
  }
  return element(tensor, at);
}

Lanes Evaluator::compute(Value tensor, ArrayRef<Lanes> at) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (auto found = buffers.find(tensor); found != buffers.end())
    return load(found->second, at);
  Operation *op = tensor.getDefiningOp();
  if (auto generic = dyn_cast_or_null<linalg::GenericOp>(op))
    return this->generic(generic, tensor, at);
  if (auto fill = dyn_cast_or_null<linalg::FillOp>(op)) {
    DenseMap<Value, Lanes> none;
    return scalar(fill.getInputs()[0], nullptr, {}, none);
  }
  if (auto constant = dyn_cast_or_null<arith::ConstantOp>(op))
    if (auto splat = dyn_cast<SplatElementsAttr>(constant.getValue()))
      return {arith::ConstantOp::create(b, splat.getSplatValue<TypedAttr>())};
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op))
    return reshaped(expand.getSrc(), expand.getReassociationIndices(), type.getShape(), at, false);
  if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op))
    return reshaped(collapse.getSrc(), collapse.getReassociationIndices(), collapse.getSrcType().getShape(), at, true);
  return fail(type.getElementType(), "a tensor is made by an op that is not evaluated element by element");
}

Lanes Evaluator::reshaped(Value source, ArrayRef<ReassociationIndices> groups, ArrayRef<int64_t> expanded,
                          ArrayRef<Lanes> at, bool collapses) {
  SmallVector<Lanes> from;
  if (groups.empty()) // to or from rank 0: all dims are 1
    from.assign(collapses ? expanded.size() : 0, index(0));
  for (auto [g, group] : llvm::enumerate(groups)) {
    if (collapses) {
      SmallVector<Lanes> parts;
      Lanes rest = at[g];
      for (int64_t d : llvm::reverse(ArrayRef(group).drop_front())) {
        parts.push_back(expanded[d] == 1 ? index(0) : mod(rest, expanded[d]));
        rest = floordiv(rest, expanded[d]);
      }
      from.push_back(rest);
      llvm::append_range(from, llvm::reverse(parts));
      continue;
    }
    Lanes linear = at[group.front()];
    for (int64_t d : ArrayRef(group).drop_front())
      linear = add(mul(linear, expanded[d]), at[d]);
    from.push_back(linear);
  }
  return element(source, from);
}

Lanes Evaluator::generic(linalg::GenericOp op, Value tensor, ArrayRef<Lanes> at) {
  unsigned number = cast<OpResult>(tensor).getResultNumber();
  OpOperand *out = op.getDpsInitOperand(number);
  AffineMap map = op.getMatchingIndexingMap(out);
  if (op.getNumParallelLoops() != op.getNumLoops() || !map.isPermutation())
    return fail(getElementTypeOrSelf(tensor),
                "a sum, or a result that is not laid out as its loops run, is read within the kernel");
  SmallVector<Lanes> dims(at.size());
  for (auto [position, index] : llvm::enumerate(at))
    dims[map.getDimPosition(position)] = index;
  DenseMap<Value, Lanes> known;
  return scalar(op.getBody()->getTerminator()->getOperand(number), op, dims, known);
}

Lanes Evaluator::scalar(Value value, linalg::GenericOp op, ArrayRef<Lanes> dims, DenseMap<Value, Lanes> &known) {
  if (auto found = known.find(value); found != known.end())
    return found->second;
  Lanes result;
  Operation *def = value.getDefiningOp();
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (!op || argument.getOwner() != op.getBody())
      return fail(value.getType(), "a body reads a value of another op's body");
    OpOperand *operand = op.getMatchingOpOperand(argument);
    result = element(operand->get(), op.getMatchingIndexingMap(operand), dims);
  } else if (auto index = dyn_cast<linalg::IndexOp>(def)) {
    result = dims[index.getDim()];
  } else {
    SmallVector<Lanes> operands;
    auto extract = dyn_cast<tensor::ExtractOp>(def);
    for (Value operand : extract ? ValueRange(extract.getIndices()) : ValueRange(def->getOperands()))
      operands.push_back(scalar(operand, op, dims, known));
    result = extract ? element(extract.getTensor(), operands) : apply(def, operands);
  }
  return known[value] = result;
}

/// Lanes that stay simple under integer ops, null otherwise.
static Lanes applyRising(LaneBuilder &e, Operation *op, ArrayRef<Lanes> in) {
  if (in.empty() || llvm::any_of(in, [](Lanes x) { return x.isVector(); }))
    return {};
  if (isa<arith::AddIOp>(op))
    return e.add(in[0], in[1]);
  if (isa<arith::SubIOp>(op) && in[1].isUniform())
    return {arith::SubIOp::create(e.b, in[0].v, in[1].v), in[0].stride, false, in[0].repeat};
  if (auto factor = in.size() == 2 && in[1].isUniform() ? getConstantIntValue(in[1].v) : std::nullopt;
      factor && isa<arith::MulIOp>(op) && in[0].v.getType().isIndex())
    return e.mul(in[0], *factor);
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op))
    return {e.b.create(op->getLoc(), op->getName().getIdentifier(), ValueRange{in[0].v}, op->getResultTypes())
                ->getResult(0),
            in[0].stride, in[0].aligned, in[0].repeat};
  return {};
}

Lanes Evaluator::apply(Operation *op, ArrayRef<Lanes> in) {
  Type type = op->getNumResults() == 1 ? op->getResult(0).getType() : Type();
  if (!type || !(OpTrait::hasElementwiseMappableTraits(op) || isa<arith::ConstantOp>(op)))
    return fail(type ? type : b.getF32Type(), "a body has an op that is not elementwise");
  bool uniform = llvm::all_of(in, [](Lanes x) { return x.isUniform(); });
  if (!uniform)
    if (Lanes rising = applyRising(*this, op, in); rising.v)
      return rising;
  SmallVector<Value> operands;
  for (Lanes x : in)
    operands.push_back(uniform ? x.v : vector(x));
  if (mask && !uniform && isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(op)) {
    // Inactive lanes hold zeros, by which integers must not be divided.
    Value one = arith::ConstantOp::create(b, b.getOneAttr(operands[1].getType()));
    operands[1] = arith::SelectOp::create(b, mask, operands[1], one);
  }
  OperationState state(op->getLoc(), op->getName());
  state.addOperands(operands);
  state.addTypes(uniform ? type : Type(vectorOf(type)));
  state.addAttributes(op->getAttrs());
  return {b.create(state)->getResult(0)};
}

Lanes Evaluator::load(const Buffer &buffer, ArrayRef<Lanes> at) {
  auto type = cast<MemRefType>(buffer.memref.getType());
  for (auto [owned, index] : llvm::zip(buffer.owned, at))
    if (!same(owned, index))
      return fail(type.getElementType(), "what a task keeps to itself is read at another place");
  if (buffer.dropsOwned)
    at = at.drop_front(buffer.owned.size());
  bool uniform = llvm::all_of(at, [](Lanes x) { return x.isUniform(); });
  bool rows = !at.empty() && llvm::all_of(at.drop_back(), [](Lanes x) { return x.isUniform(); });
  if (!uniform && rows && !mask)
    if (Value shuffled = loadShuffled(buffer.memref, at))
      return {shuffled};
  if (!uniform && !(rows && at.back().isConsecutive()))
    return gather(buffer.memref, at);
  SmallVector<Value> indices = llvm::map_to_vector(at, [](Lanes x) { return x.v; });
  if (uniform)
    return {memref::LoadOp::create(b, buffer.memref, indices)};
  VectorType result = vectorOf(type.getElementType());
  if (!mask)
    return {vector::LoadOp::create(b, result, buffer.memref, indices, /*nontemporal=*/false, alignment(type, at))};
  Value integers = asIntegers(buffer.memref);
  VectorType loaded = vectorOf(cast<MemRefType>(integers.getType()).getElementType());
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(loaded)),
        part = vector::MaskedLoadOp::create(b, loaded, integers, indices, mask, zero);
  return {loaded == result ? part : Value(vector::BitCastOp::create(b, result, part))};
}

/// A buffer of bf16 as one of 16-bit integers: masked loads and stores of bf16 are scalarised by LLVM's x86 back end,
/// with a call of its library for every element.
Value Evaluator::asIntegers(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  if (!type.getElementType().isBF16())
    return buffer;
  Type integers = MemRefType::Builder(type).setElementType(b.getI16Type());
  return UnrealizedConversionCastOp::create(b, integers, buffer).getResult(0);
}

/// The alignment of a vector access at `at` in a buffer whose rows are whole vectors.
llvm::MaybeAlign Evaluator::alignment(MemRefType type, ArrayRef<Lanes> at) const {
  int64_t bytes = width * type.getElementTypeBitWidth() / 8;
  if (!alignsVectors || !at.back().aligned || type.getShape().back() % width || !llvm::isPowerOf2_64(bytes))
    return std::nullopt;
  return llvm::Align(bytes);
}

/// Lanes of a small stride, or repeated elements: loads of whole vectors and a shuffle instead of a gather. Null where
/// these would be too many loads.
Value Evaluator::loadShuffled(Value memref, ArrayRef<Lanes> at) {
  Lanes last = at.back();
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  SmallVector<Value> indices = llvm::map_to_vector(at, [](Lanes x) { return x.v; });
  auto loadAt = [&](int64_t offset, int64_t length) -> Value {
    indices.back() = add({last.v}, index(offset)).v;
    return vector::LoadOp::create(b, VectorType::get({length}, element), memref, indices);
  };
  if (last.isVector() || (last.stride == 1) == (last.repeat == 1))
    return Value();
  SmallVector<int64_t> from(width);
  if (last.repeat > 1) {
    for (int64_t l = 0; l < width; ++l)
      from[l] = l / last.repeat;
    Value few = loadAt(0, width / last.repeat);
    return vector::ShuffleOp::create(b, few, few, from);
  }
  if (last.stride < 2 || last.stride > 8)
    return Value();
  // The last load ends with the last element: the buffer may end there.
  Value all;
  for (int64_t i = 0; i < last.stride; ++i) {
    int64_t start = std::min(i * width, last.stride * (width - 1) + 1 - width);
    Value part = loadAt(start, width);
    for (int64_t l = 0; l < width; ++l)
      from[l] = i * width <= l * last.stride && l * last.stride < (i + 1) * width ? width + l * last.stride - start : l;
    all = all ? Value(vector::ShuffleOp::create(b, all, part, from))
              : Value(vector::ShuffleOp::create(b, part, part, from));
  }
  return all;
}

Lanes Evaluator::gather(Value memref, ArrayRef<Lanes> at) {
  auto type = cast<MemRefType>(memref.getType());
  Lanes linear = index(0);
  for (auto [extent, index] : llvm::zip(type.getShape(), at))
    linear = add(mul(linear, extent), index);
  VectorType result = vectorOf(type.getElementType());
  Value active = mask ? mask : Value(arith::ConstantOp::create(b, b.getOneAttr(vectorOf(b.getI1Type()))));
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(result));
  SmallVector<Value> origin(type.getRank(), index(0).v);
  // The offsets run over the whole row-major buffer, beyond its last dim.
  return {vector::GatherOp::create(b, result, memref, origin, vector(linear), active, zero)};
}

/// The lanes along `in` lie in words, each of them a panel's row further.
Lanes Evaluator::gatherWords(Value memref, Lanes out, Lanes in) {
  int64_t words = width / kWord;
  if (mask) {
    auto first = mask.getDefiningOp<vector::ConstantMaskOp>();
    if (!first)
      return fail(b.getI8Type(), "packed weights are read in a vector that is cut off in the middle");
    words = llvm::divideCeil(first.getMaskDimSizes()[0], kWord);
  }
  Value panel = floordiv(out, kPanelRows).v, row = mod(out, kPanelRows).v, start = floordiv({in.v}, kWord).v;
  auto wordType = VectorType::get({1}, b.getI32Type());
  auto all = VectorType::get({width / kWord}, b.getI32Type());
  Value result = arith::ConstantOp::create(b, b.getZeroAttr(all));
  for (int64_t i = 0; i < words; ++i) {
    Value at = arith::AddIOp::create(b, start, index(i).v);
    Value bytes = vector::LoadOp::create(b, VectorType::get({kWord}, b.getI8Type()), memref,
                                         ValueRange{panel, at, row, index(0).v});
    Value word = vector::BitCastOp::create(b, wordType, bytes);
    result = vector::InsertOp::create(b, Value(vector::ExtractOp::create(b, word, 0)), result, i);
  }
  return {vector::BitCastOp::create(b, vectorOf(b.getI8Type()), result)};
}

void Evaluator::storeMasked(Value value, Value buffer, ValueRange indices) {
  Value integers = asIntegers(buffer);
  if (integers != buffer)
    value = vector::BitCastOp::create(b, vectorOf(b.getI16Type()), value);
  vector::MaskedStoreOp::create(b, integers, indices, mask, value);
}

void Evaluator::store(Lanes value, Value buffer, ArrayRef<Lanes> at) {
  SmallVector<Value> indices = llvm::map_to_vector(at, [](Lanes x) { return x.v; });
  if (llvm::all_of(at, [](Lanes x) { return x.isUniform(); }))
    memref::StoreOp::create(b, value.v, buffer, indices);
  else if (mask)
    storeMasked(vector(value), buffer, indices);
  else
    vector::StoreOp::create(b, vector(value), buffer, indices, /*nontemporal=*/false,
                            alignment(cast<MemRefType>(buffer.getType()), at));
}
