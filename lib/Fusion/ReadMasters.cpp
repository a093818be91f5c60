// Where stored parameters are read, their numbers are computed.
#include "dialect/Formats.h"
#include "dialect/Linalg.h"
#include "dialect/MatrixProduct.h"
#include "dialect/ops/quantize/Blocks.h"
#include "lib/Fusion/Masters.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

RankedTensorType Stored::scalesOf(RankedTensorType type) {
  return RankedTensorType::get(type.getShape().drop_back(), Float32Type::get(type.getContext()));
}

Value mlir::nanochat::elementNumber(ImplicitLocOpBuilder &b, RankedTensorType type, int64_t first) {
  Value number = arith::ConstantIndexOp::create(b, 0);
  for (int64_t d = first; d < type.getRank(); ++d)
    number = arith::AddIOp::create(
        b, arith::MulIOp::create(b, number, arith::ConstantIndexOp::create(b, type.getDimSize(d))),
        linalg::IndexOp::create(b, d));
  return number;
}

/// Elements of a row; 1 of a number.
static int64_t rowOf(Value elements) {
  ArrayRef<int64_t> shape = typeOf(elements).getShape();
  return shape.empty() ? 1 : shape.back();
}

namespace {
/// Follows the reads of one parameter.
class Reads {
public:
  Reads(Value scales, int64_t row, Format format) : scales(scales), row(row), format(format) {}

  void of(Value elements);

private:
  void by(Operation *user, unsigned operand);
  void by(linalg::GenericOp generic, unsigned operand);
  void by(tensor::ExtractOp extract);
  void by(LoopOp loop, unsigned operand);
  Value scalesLike(OpBuilder &b, Value elements) const;
  Value widened(ImplicitLocOpBuilder &b, Value elements) const;
  Value decoded(ImplicitLocOpBuilder &b, Value element, Value scale) const {
    Value number = decode(b, format, element, b.getF32Type());
    return scale ? mul(b, number, scale) : number;
  }
  void decodeScalar(OpBuilder &b, Value number, Value scale) const;

  Value scales; // null, or those of the parameter's rows
  int64_t row;  // how many elements share one
  Format format;
};
} // namespace

void Reads::of(Value elements) {
  Builder types(elements.getContext());
  elements.setType(withElement(typeOf(elements), factsOf(format).storage(types)));
  SmallVector<std::pair<Operation *, unsigned>> uses; // as reads change the operands of those who read
  for (OpOperand &use : elements.getUses())
    uses.emplace_back(use.getOwner(), use.getOperandNumber());
  for (auto [user, operand] : uses)
    by(user, operand);
}

void Reads::by(Operation *user, unsigned operand) {
  OpOperand &use = user->getOpOperand(operand);
  auto generic = dyn_cast<linalg::GenericOp>(user);
  auto loop = dyn_cast<LoopOp>(user);
  // A row of the parameter, or a part of one, is a row of what is read; whatever else shows it another way.
  bool keepsRows = !scales || (typeOf(use.get()).getRank() > 0 && row % rowOf(use.get()) == 0);
  if (isa<func::ReturnOp>(user))
    return;
  if (isView(user))
    return of(user->getResult(0));
  if (generic && keepsRows && generic.isDpsInput(&use) && !matchProduct(generic))
    return by(generic, operand);
  if (auto extract = dyn_cast<tensor::ExtractOp>(user); extract && keepsRows)
    return by(extract);
  if (loop && keepsRows && operand >= loop.getNumCarries() && use.get() != loop.getLimit())
    return by(loop, operand);
  ImplicitLocOpBuilder b(user->getLoc(), user); // factors of products among them, which is how these read them then
  use.set(widened(b, use.get()));
}

void Reads::by(linalg::GenericOp generic, unsigned operand) {
  OpBuilder b(generic);
  Value element = generic.getBody()->getArgument(operand), scale;
  if (scales) {
    SmallVector<AffineMap> maps = generic.getIndexingMapsArray();
    AffineMap own = maps[operand];
    unsigned inputs = generic.getNumDpsInputs();
    Value like = scalesLike(b, generic->getOperand(operand));
    maps.insert(maps.begin() + inputs, own.dropResult(own.getNumResults() - 1));
    generic.getInputsMutable().append(like);
    generic.setIndexingMapsAttr(b.getAffineMapArrayAttr(maps));
    scale = generic.getBody()->insertArgument(inputs, b.getF32Type(), generic.getLoc());
  }
  b.setInsertionPointToStart(generic.getBody());
  decodeScalar(b, element, scale);
}

void Reads::by(tensor::ExtractOp extract) {
  OpBuilder b(extract);
  Value scale;
  if (scales)
    scale = tensor::ExtractOp::create(b, extract.getLoc(), scalesLike(b, extract.getTensor()),
                                      extract.getIndices().drop_back());
  b.setInsertionPointAfter(extract);
  decodeScalar(b, extract.getResult(), scale);
}

void Reads::by(LoopOp loop, unsigned operand) {
  Value slice = loop.getBody().getArgument(operand), scale;
  if (scales) {
    OpBuilder b(loop);
    Value like = scalesLike(b, loop->getOperand(operand));
    loop.getSlicesMutable().append(like);
    scale = loop.getBody().addArgument(LoopOp::sliceOf(like.getType()), loop.getLoc());
  }
  Reads(scale, rowOf(slice), format).of(slice);
}

/// A scale for each row of `elements`, which are parts of rows of the parameter.
Value Reads::scalesLike(OpBuilder &at, Value elements) const {
  RankedTensorType type = Stored::scalesOf(typeOf(elements));
  ImplicitLocOpBuilder b(elements.getLoc(), at);
  OpBuilder::InsertionGuard guard(b);
  if (Operation *def = elements.getDefiningOp())
    b.setInsertionPointAfter(def);
  else
    b.setInsertionPointToStart(elements.getParentBlock());
  if (type.getShape() == typeOf(scales).getShape())
    return scales;
  if (type.getNumElements() == typeOf(scales).getNumElements())
    return reshape(b, scales, type.getShape());
  int64_t parts = row / rowOf(elements);
  Value flat = flatten(b, scales),
        rows = pointwise(
            b, withShape(type, {type.getNumElements()}), {}, {}, [&](ImplicitLocOpBuilder &s, ValueRange) -> Value {
              Value of =
                  arith::DivUIOp::create(s, linalg::IndexOp::create(s, 0), arith::ConstantIndexOp::create(s, parts));
              return tensor::ExtractOp::create(s, flat, of);
            });
  return reshape(b, rows, type.getShape());
}

/// All numbers of `elements`.
Value Reads::widened(ImplicitLocOpBuilder &b, Value elements) const {
  auto type = typeOf(elements);
  AffineMap identity = b.getMultiDimIdentityMap(type.getRank());
  SmallVector<Value> inputs{elements};
  SmallVector<AffineMap> maps{identity};
  if (scales && (type.getRank() == 0 || row % rowOf(elements) != 0)) { // several rows in one: number by number
    Value flat = flatten(b, scales);
    return pointwise(b, withElement(type, b.getF32Type()), inputs, maps, [&](ImplicitLocOpBuilder &s, ValueRange v) {
      Value of = arith::DivUIOp::create(s, elementNumber(s, type), arith::ConstantIndexOp::create(s, row));
      return decoded(s, v[0], tensor::ExtractOp::create(s, flat, of));
    });
  }
  if (scales)
    inputs.push_back(scalesLike(b, elements)), maps.push_back(identity.dropResult(type.getRank() - 1));
  return pointwise(b, withElement(type, b.getF32Type()), inputs, maps,
                   [&](ImplicitLocOpBuilder &s, ValueRange v) { return decoded(s, v[0], scales ? v[1] : Value()); });
}

/// Replaces the uses of `number`, a scalar of a body that is an element now, by the number that it stands for.
void Reads::decodeScalar(OpBuilder &at, Value element, Value scale) const {
  ImplicitLocOpBuilder b(element.getLoc(), at);
  element.setType(factsOf(format).storage(b));
  SmallVector<OpOperand *> uses = llvm::map_to_vector(element.getUses(), [](OpOperand &use) { return &use; });
  Value number = decoded(b, element, scale);
  for (OpOperand *use : uses)
    use->set(number);
}

void mlir::nanochat::readStored(Value elements, Value scales, Format format) {
  Reads(scales, rowOf(elements), format).of(elements);
}
