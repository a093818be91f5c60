// New parameters are rounded by chance to what they are stored as.
#include "dialect/Formats.h"
#include "dialect/Linalg.h"
#include "dialect/ops/quantize/Blocks.h"
#include "dialect/ops/quantize/Random.h"
#include "lib/Fusion/Masters.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::nanochat;

Stored MasterRounder::round(Value value, StringRef param, Format format) {
  auto result = dyn_cast<OpResult>(value);
  auto loop = result ? dyn_cast<LoopOp>(result.getOwner()) : LoopOp();
  Address address = addressOf(param);
  if (!loop || result.getResultNumber() < loop.getNumCarries() || !value.hasOneUse() || typeOf(value).getRank() != 3) {
    OpBuilder b(value.getContext());
    b.setInsertionPointAfterValue(value);
    ImplicitLocOpBuilder at(value.getLoc(), b);
    return rounded(at, value, Value(), address, format);
  }
  ImplicitLocOpBuilder before(loop.getLoc(), loop);
  loop.getSlicesMutable().append(risingNumbers(before, loop.getCount()));
  Value number = loop.getBody().addArgument(RankedTensorType::get({}, before.getI32Type()), loop.getLoc());
  unsigned index = result.getResultNumber();
  OpOperand &element = loop.getYield()->getOpOperand(index);
  ImplicitLocOpBuilder in(loop.getLoc(), loop.getYield());
  Stored stored = rounded(in, element.get(), number, address, format);
  element.set(stored.elements);
  value.setType(loop.stackOf(stored.elements.getType()));
  if (!stored.scales)
    return {value, Value()};
  IRRewriter rewriter(loop.getContext());
  loop = loop.appendStacks(rewriter, stored.scales);
  return {loop.getResult(index), loop.getResults().back()};
}

MasterRounder::Address MasterRounder::addressOf(StringRef param) {
  MLIRContext *ctx = entry.getContext();
  Builder types(ctx);
  auto input = [&](StringRef name, Type type) {
    return argumentOf(entry, type, BindAttr::get(ctx, BindingKind::input, name));
  };
  auto words = [&](int64_t count) { return RankedTensorType::get({count}, types.getI32Type()); };
  Value seed = input(kSeedInput, words(2)), step = input("step", RankedTensorType::get({}, types.getF32Type()));
  ImplicitLocOpBuilder b(entry.getLoc(), OpBuilder::atBlockBegin(&entry.getBody().front()));
  // What happens between phases draws numbers of its own, as a step may follow of the same number.
  bool isOfPhase = getEntry(entry).getKind() == EntryKind::phase;
  std::string site = ("master." + (isOfPhase ? entry.getSymName().str() + "." : "") + param).str();
  auto stream = RandomStreamOp::create(b, words(3), seed, site);
  Value drawn = stream.decompose(b)[0];
  stream.erase();
  Value whole = pointwise(
      b, RankedTensorType::get({}, b.getI32Type()), {step}, {b.getMultiDimIdentityMap(0)},
      [](ImplicitLocOpBuilder &s, ValueRange v) -> Value { return arith::FPToSIOp::create(s, s.getI32Type(), v[0]); });
  return {drawn, whole};
}

/// `number` with 16 random bits added below the last one that bf16 keeps. What is not finite stays so, and what is
/// finite.
static Value roundToBf16(ImplicitLocOpBuilder &s, Value number, Value word) {
  auto bits = [&](uint32_t value) -> Value {
    return arith::ConstantOp::create(s, s.getI32IntegerAttr(int32_t(value)));
  };
  auto isFinite = [&](Value number) -> Value {
    Value exponent = arith::AndIOp::create(s, number, bits(0x7F800000));
    return arith::CmpIOp::create(s, arith::CmpIPredicate::ne, exponent, bits(0x7F800000));
  };
  Value exact = arith::BitcastOp::create(s, s.getI32Type(), number);
  Value raised = arith::AddIOp::create(s, exact, arith::AndIOp::create(s, word, bits(0xFFFF)));
  Value isRaised = arith::AndIOp::create(s, isFinite(exact), isFinite(raised));
  Value chosen = arith::SelectOp::create(s, isRaised, raised, exact);
  Value kept = arith::BitcastOp::create(s, s.getF32Type(), arith::AndIOp::create(s, chosen, bits(0xFFFF0000)));
  return arith::TruncFOp::create(s, s.getBF16Type(), kept);
}

/// One of the two codes about `number`, a code that is no integer; where it is no number at all, the scale says so.
static Value roundToCode(ImplicitLocOpBuilder &s, Value number, Value word) {
  auto c = [&](double value) { return constant(s, s.getF32Type(), value); };
  double most = factsOf(Format::int8).largest;
  Value inside = arith::MinNumFOp::create(s, arith::MaxNumFOp::create(s, number, c(-most)), c(most));
  Value bits = arith::ShRUIOp::create(s, word, constant(s, word.getType(), 8));
  Value chance = mul(s, arith::UIToFPOp::create(s, s.getF32Type(), bits), c(0x1p-24));
  return encode(s, Format::int8, roundByChance(s, inside, chance));
}

/// Element e of matrix `number` (of a stack as a whole: of its first dimension) has the random bits of word 0 of
/// element e of the stream in that matrix.
Stored MasterRounder::rounded(ImplicitLocOpBuilder &b, Value value, Value number, const Address &address,
                              Format format) {
  auto type = typeOf(value);
  int64_t rank = type.getRank(), own = number || rank < 3 ? 0 : 1; // the first dimension that counts elements
  AffineMap full = b.getMultiDimIdentityMap(rank), scalar = AffineMap::get(rank, 0, b.getContext());
  SmallVector<Value> inputs{value, address.step};
  SmallVector<AffineMap> maps{full, scalar};
  Value scales;
  bool isCoded = format == Format::int8;
  if (isCoded) {
    RowScales rows = scaleRows(b, value, factsOf(format).largest);
    scales = rows.scales;
    inputs.push_back(rows.inverse), maps.push_back(full.dropResult(rank - 1));
  }
  if (number)
    inputs.push_back(number), maps.push_back(scalar);
  auto stored = withElement(type, factsOf(format).storage(b));
  Value elements = pointwise(b, stored, inputs, maps, [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
    auto word32 = [&](Value index) -> Value { return arith::IndexCastOp::create(s, s.getI32Type(), index); };
    Value matrix = number ? v.back() : own ? word32(linalg::IndexOp::create(s, 0)) : constant(s, s.getI32Type(), 0);
    Value word = randomWord(s, address.stream, word32(elementNumber(s, type, own)), matrix, v[1]);
    return isCoded ? roundToCode(s, mul(s, v[0], v[2]), word) : roundToBf16(s, v[0], word);
  });
  return {elements, scales};
}
