#include "lib/Targets/kernels/GemmPack.h"
#include "dialect/ops/quantize/Quantize.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::nanochat;

BlockReader::BlockReader(ImplicitLocOpBuilder &b, const MatrixProduct &c, const GemmPlan &p, Factor factor,
                         bool isUnsigned, llvm::function_ref<void(Evaluator &)> bind)
    : b(b), c(c), p(p), factor(factor), isUnsigned(isUnsigned), wide(b, p.lanes * p.per), narrow(b, p.lanes) {
  bind(wide);
  bind(narrow);
}

Lanes BlockReader::at(Evaluator &e, Lanes x, Lanes k) {
  SmallVector<Lanes> dims(3);
  dims[factor.x] = x;
  dims[c.k] = k;
  // The factor has no other loop, but an expression may name any.
  dims[3 - factor.x - c.k] = e.index(0);
  return e.element(factor.tensor(), factor.map, dims);
}

Value BlockReader::code(Value elements) {
  auto type = cast<VectorType>(elements.getType());
  if (p.halves)
    return vector::BitCastOp::create(b, type.clone(b.getI16Type()), elements);
  if (c.isFloat())
    return decode(b, factor.format, elements, type.clone(b.getF32Type()));
  if (!p.bytes)
    return decode(b, factor.format, elements, type.clone(b.getI16Type()));
  if (!isUnsigned || isOfPanels(factor.format))
    return elements;
  // Signed plus 128, as unsigned.
  Value bias = arith::ConstantOp::create(b, SplatElementsAttr::get(type, b.getIntegerAttr(b.getI8Type(), -128)));
  return arith::XOrIOp::create(b, elements, bias);
}

Value BlockReader::word(Value elements) {
  if (p.per == 1)
    return elements;
  return vector::BitCastOp::create(b, VectorType::get({p.lanes}, b.getI32Type()), elements);
}

/// Evaluates with only the first `active` lanes, the others being zero.
static Value firstLanes(Evaluator &e, int64_t active, llvm::function_ref<Lanes()> evaluate) {
  Evaluator::Scope scope(e);
  if (active == e.width)
    return e.vector(evaluate());
  e.mask = vector::ConstantMaskOp::create(e.b, e.vectorOf(e.b.getI1Type()), ArrayRef<int64_t>{active});
  Value value = e.vector(evaluate());
  Value zero = arith::ConstantOp::create(e.b, e.b.getZeroAttr(value.getType()));
  return arith::SelectOp::create(e.b, e.mask, value, zero);
}

Value BlockReader::alongK(Value x, Value k, int64_t elements) {
  return word(code(firstLanes(wide, elements, [&] { return at(wide, {x}, {k, 1, true}); })));
}

Value BlockReader::alongX(Value x, int64_t xs, Value k, int64_t elements) {
  SmallVector<Value> parts;
  for (int64_t j = 0; j < p.per; ++j) {
    Value codes = firstLanes(narrow, j < elements ? xs : 0, [&] {
      Value kj = j ? arith::AddIOp::create(b, k, arith::ConstantIndexOp::create(b, j)) : k;
      return at(narrow, {x, 1, true}, {kj});
    });
    parts.push_back(p.bytes ? codes : code(codes));
  }
  // 0 2 and 1 3, then both.
  for (size_t half = parts.size() / 2; half; half /= 2)
    for (size_t i = 0; i < half; ++i)
      parts[i] = vector::InterleaveOp::create(b, parts[i], parts[i + half]);
  return word(p.bytes ? code(parts[0]) : parts[0]);
}

SmallVector<Value> BlockReader::read(Value x, int64_t xs, Value k, int64_t ks, int64_t elements, bool wantsAlongX) {
  auto offset = [&](Value base, int64_t by) -> Value {
    return by ? arith::AddIOp::create(b, base, arith::ConstantIndexOp::create(b, by)) : base;
  };
  auto zeros = VectorType::get({p.lanes}, p.per == 1 ? Type(b.getF32Type()) : b.getI32Type());
  SmallVector<Value> vectors;
  for (int64_t i = 0; i < p.lanes; ++i) {
    if (i >= (factor.alongK ? xs : ks))
      vectors.push_back(arith::ConstantOp::create(b, b.getZeroAttr(zeros)));
    else if (factor.alongK)
      vectors.push_back(alongK(offset(x, i), k, elements));
    else
      vectors.push_back(alongX(x, xs, offset(k, i * p.per), elements - i * p.per));
  }
  return factor.alongK == wantsAlongX ? transpose(b, vectors) : vectors;
}

SmallVector<Value> nanochat::transpose(ImplicitLocOpBuilder &b, SmallVector<Value> rows) {
  int64_t n = rows.size();
  for (int64_t h = n / 2; h; h /= 2) {
    // Swaps the off-diagonal h × h blocks of every 2h × 2h block.
    SmallVector<int64_t> upper, lower;
    for (int64_t l = 0; l < n; ++l) {
      upper.push_back(l & h ? n + l - h : l);
      lower.push_back(l & h ? n + l : l + h);
    }
    for (int64_t i = 0; i < n; ++i)
      if (!(i & h)) {
        Value x = rows[i], y = rows[i + h];
        rows[i] = vector::ShuffleOp::create(b, x, y, upper);
        rows[i + h] = vector::ShuffleOp::create(b, x, y, lower);
      }
  }
  return rows;
}
