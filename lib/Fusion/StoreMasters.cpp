// Parameters that are stored in fewer bits than updates compute in.
#include "dialect/MatrixProduct.h"
#include "dialect/StepIR.h"
#include "dialect/ops/model/Sizes.h"
#include "dialect/ops/quantize/Random.h"
#include "lib/Fusion/Passes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_STOREMASTERSPASS
#include "lib/Fusion/Passes.h.inc"

namespace {
RankedTensorType narrowed(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.clone(BFloat16Type::get(tensor.getContext()));
}

/// The f32 numbers of `value`, for the op that `b` stands in front of.
Value widened(ImplicitLocOpBuilder &b, Value value) {
  auto type = typeOf(value);
  AffineMap identity = b.getMultiDimIdentityMap(type.getRank());
  return pointwise(
      b, withElement(type, b.getF32Type()), {value}, {identity},
      [](ImplicitLocOpBuilder &s, ValueRange v) { return Value(arith::ExtFOp::create(s, s.getF32Type(), v[0])); });
}

/// Replaces the uses of `number`, a scalar of a body that is bf16 now, by what it is in f32.
void widenScalar(OpBuilder &b, Value number) {
  number.setType(b.getBF16Type());
  Value wide = arith::ExtFOp::create(b, number.getLoc(), b.getF32Type(), number);
  number.replaceAllUsesExcept(wide, wide.getDefiningOp());
}

/// `value`, of f32, is bf16 from now on; what reads it widens it.
void narrow(Value value) {
  value.setType(narrowed(value.getType()));
  for (OpOperand &use : llvm::make_early_inc_range(value.getUses())) {
    Operation *user = use.getOwner();
    OpBuilder b(user);
    auto generic = dyn_cast<linalg::GenericOp>(user);
    auto loop = dyn_cast<LoopOp>(user);
    if (isa<func::ReturnOp>(user)) {
      continue;
    } else if (generic && generic.isDpsInput(&use) && !matchProduct(generic)) {
      b.setInsertionPointToStart(generic.getBody());
      widenScalar(b, generic.getMatchingBlockArgument(&use));
    } else if (auto extract = dyn_cast<tensor::ExtractOp>(user)) {
      b.setInsertionPointAfter(extract);
      widenScalar(b, extract.getResult());
    } else if (isView(user)) {
      narrow(user->getResult(0));
    } else if (loop && use.getOperandNumber() >= loop.getNumCarries() && use.get() != loop.getLimit()) {
      narrow(loop.getBody().getArgument(use.getOperandNumber()));
    } else { // factors of products among them, which is how these read them then
      ImplicitLocOpBuilder at(user->getLoc(), b);
      use.set(widened(at, use.get()));
    }
  }
}

/// Rounds what one entry makes of parameters.
class Rounder {
public:
  explicit Rounder(func::FuncOp entry) : entry(entry) {}

  /// `value`, the new parameter of that name, in bf16; a loop that stacks its matrices rounds each as it is made.
  Value round(Value value, StringRef param) {
    auto result = dyn_cast<OpResult>(value);
    auto loop = result ? dyn_cast<LoopOp>(result.getOwner()) : LoopOp();
    Address address = addressOf(param);
    if (!loop || result.getResultNumber() < loop.getNumCarries() || !value.hasOneUse() ||
        typeOf(value).getRank() != 3) {
      OpBuilder b(value.getContext());
      b.setInsertionPointAfterValue(value);
      ImplicitLocOpBuilder at(value.getLoc(), b);
      return rounded(at, value, Value(), address);
    }
    ImplicitLocOpBuilder before(loop.getLoc(), loop);
    loop.getSlicesMutable().append(risingNumbers(before, loop.getCount()));
    Value number = loop.getBody().addArgument(RankedTensorType::get({}, before.getI32Type()), loop.getLoc());
    OpOperand &element = loop.getYield()->getOpOperand(result.getResultNumber());
    ImplicitLocOpBuilder in(loop.getLoc(), loop.getYield());
    element.set(rounded(in, element.get(), number, address));
    value.setType(narrowed(value.getType()));
    return value;
  }

private:
  struct Address {
    Value stream, step;
  };

  Address addressOf(StringRef param) {
    MLIRContext *ctx = entry.getContext();
    Builder types(ctx);
    auto input = [&](StringRef name, Type type) {
      return argumentOf(entry, type, BindAttr::get(ctx, BindingKind::input, name));
    };
    auto words = [&](int64_t count) { return RankedTensorType::get({count}, types.getI32Type()); };
    Value seed = input(kSeedInput, words(2)), step = input("step", RankedTensorType::get({}, types.getF32Type()));
    ImplicitLocOpBuilder b(entry.getLoc(), OpBuilder::atBlockBegin(&entry.getBody().front()));
    // What happens between phases draws numbers of its own, as a step may follow of the same number.
    bool isStep = getEntry(entry).getKind() == EntryKind::update;
    std::string site = ("master." + (isStep ? "" : entry.getSymName().str() + ".") + param).str();
    auto stream = RandomStreamOp::create(b, words(3), seed, site);
    Value drawn = stream.decompose(b)[0];
    stream.erase();
    Value whole = pointwise(b, RankedTensorType::get({}, b.getI32Type()), {step}, {b.getMultiDimIdentityMap(0)},
                            [](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
                              return arith::FPToSIOp::create(s, s.getI32Type(), v[0]);
                            });
    return {drawn, whole};
  }

  /// The neighbour in bf16 that chance picks, the nearer the likelier: 16 random bits are added below the last one that
  /// stays. Element e of matrix `number` (of a stack as a whole: of its first dimension) has the bits of word 0 of
  /// element e of the stream in that matrix.
  static Value rounded(ImplicitLocOpBuilder &b, Value value, Value number, const Address &address) {
    auto type = typeOf(value);
    int64_t rank = type.getRank(), own = number || rank < 3 ? 0 : 1; // the first dimension that counts elements
    AffineMap scalar = AffineMap::get(rank, 0, b.getContext());
    SmallVector<Value> inputs{value, address.step};
    SmallVector<AffineMap> maps{b.getMultiDimIdentityMap(rank), scalar};
    if (number)
      inputs.push_back(number), maps.push_back(scalar);
    return pointwise(b, narrowed(type), inputs, maps, [&](ImplicitLocOpBuilder &s, ValueRange v) -> Value {
      Type i32 = s.getI32Type(), f32 = s.getF32Type();
      auto bits = [&](uint32_t value) -> Value {
        return arith::ConstantOp::create(s, s.getI32IntegerAttr(int32_t(value)));
      };
      Value element = arith::ConstantIndexOp::create(s, 0);
      for (int64_t d = own; d < rank; ++d)
        element = arith::AddIOp::create(
            s, arith::MulIOp::create(s, element, arith::ConstantIndexOp::create(s, type.getDimSize(d))),
            linalg::IndexOp::create(s, d));
      Value matrix = number ? v[2]
                     : own  ? arith::IndexCastOp::create(s, i32, linalg::IndexOp::create(s, 0)).getResult()
                            : bits(0);
      Value word = randomWord(s, address.stream, arith::IndexCastOp::create(s, i32, element), matrix, v[1]);
      Value exact = arith::BitcastOp::create(s, i32, v[0]);
      Value raised = arith::AddIOp::create(s, exact, arith::AndIOp::create(s, word, bits(0xFFFF)));
      // What is not finite stays so, and what is finite.
      auto isFinite = [&](Value number) -> Value {
        Value exponent = arith::AndIOp::create(s, number, bits(0x7F800000));
        return arith::CmpIOp::create(s, arith::CmpIPredicate::ne, exponent, bits(0x7F800000));
      };
      Value isRaised = arith::AndIOp::create(s, isFinite(exact), isFinite(raised));
      Value chosen = arith::SelectOp::create(s, isRaised, raised, exact);
      Value kept = arith::BitcastOp::create(s, f32, arith::AndIOp::create(s, chosen, bits(0xFFFF0000)));
      return arith::TruncFOp::create(s, s.getBF16Type(), kept);
    });
  }

  func::FuncOp entry;
};

struct StoreMastersPass : impl::StoreMastersPassBase<StoreMastersPass> {
  using StoreMastersPassBase::StoreMastersPassBase;

  void runOnOperation() override {
    if (masters.empty())
      return;
    if (failed(check()))
      return signalPassFailure();
    for (func::FuncOp entry : getEntries(getOperation()))
      store(entry);
  }

  bool isStored(BindAttr bind) const {
    return bind && bind.getKind() == BindingKind::parameter &&
           llvm::any_of(masters, [&](StringRef choice) { return choice.split('=').first == bind.getRoleName(); });
  }

  LogicalResult check() {
    SmallVector<StringRef> roles;
    for (func::FuncOp entry : getEntries(getOperation()))
      for (unsigned i = 0; i < entry.getNumArguments(); ++i)
        if (BindAttr bind = getArgBinding(entry, i); bind.getKind() == BindingKind::parameter)
          if (!llvm::is_contained(roles, bind.getRoleName()))
            roles.push_back(bind.getRoleName());
    for (StringRef choice : masters) {
      auto [role, format] = choice.split('=');
      bool isFormat = format == "bf16";
      if (isFormat && llvm::is_contained(roles, role))
        continue;
      InFlightDiagnostic diag = emitError(getOperation().getLoc()) << "--masters=" << choice << ": ";
      if (isFormat)
        diag << "no parameters have the role '" << role << "'" << suggest(role, roles);
      else
        diag << "expected role=bf16";
      diag.attachNote() << "roles of the model are " << llvm::join(roles, ", ") << ", as in --masters=matrix=bf16";
      return diag;
    }
    return success();
  }

  void store(func::FuncOp entry) {
    Rounder rounder(entry);
    Operation *ret = entry.getBody().front().getTerminator();
    for (OpOperand &result : ret->getOpOperands()) {
      BindAttr bind = getResultBinding(entry, result.getOperandNumber());
      if (isStored(bind) && typeOf(result.get()).getElementType().isF32() && !isa<BlockArgument>(result.get()))
        result.set(rounder.round(result.get(), bind.getTensorName()));
    }
    for (BlockArgument arg : entry.getArguments())
      if (isStored(getArgBinding(entry, arg.getArgNumber())))
        narrow(arg);
    entry.setFunctionType(
        FunctionType::get(&getContext(), entry.getBody().front().getArgumentTypes(), ret->getOperandTypes()));
  }
};
} // namespace
} // namespace mlir::nanochat
