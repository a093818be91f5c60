// The nanochat dialect: ops, attributes, interfaces.
#pragma once

#include "dialect/interfaces/Host.h"
#include "dialect/interfaces/KeptRows.h"
#include "dialect/interfaces/Vjp.h"
#include "dialect/ops/model/Sized.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Shard/IR/ShardOps.h"
#include "mlir/Dialect/Shard/Interfaces/ShardingInterface.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include <cmath>

namespace mlir::nanochat {

/// Upstream's sharding interface names it unqualified.
using shard::ReductionKind;

/// Fills the body of a new loop and ends it with a yield, from which the result types follow.
using LoopBody =
    llvm::function_ref<void(ImplicitLocOpBuilder &, ArrayRef<BlockArgument> carries, ArrayRef<BlockArgument> slices)>;

/// Whether safetensors, JSON and logs can hold the name, and bring it back as it is.
bool isName(StringRef text);
/// Whether it can be written in options of the compiler and of programs.
bool isWord(StringRef text);

/// One state of an optimizer for one parameter, e.g. {"momentum", tensor<64x32xf32>}.
struct OptimizerState {
  std::string name;
  RankedTensorType type;
};

/// Checks an op with OptimizerOpInterface: its gradient and states fit its parameter.
LogicalResult verifyUpdate(Operation *op);

/// What the update op `rule` with attributes `options` takes and keeps for a parameter of type `param`.
struct RuleForm {
  RankedTensorType gradient;
  SmallVector<OptimizerState> states;
};
RuleForm formOf(OperationName rule, DictionaryAttr options, RankedTensorType param);

/// The names of this dialect's ops for which `holds`, for messages: "adamw, sgd".
std::string listOps(MLIRContext *ctx, llvm::function_ref<bool(RegisteredOperationName)> holds);

/// Checks that `op` names a rule of its kind, nanochat.`rule`, and that `options` are attributes of it, of their types.
LogicalResult verifyRule(Operation *op, StringRef kind, StringRef rule, DictionaryAttr options,
                         llvm::function_ref<bool(RegisteredOperationName)> isOfKind);

/// Classes of the traits that interfaces/Interfaces.td, Nanochat.td and ops/model/Phase.td describe.
template <typename Concrete> class PointwiseOp : public OpTrait::TraitBase<Concrete, PointwiseOp> {};
template <typename Concrete> class WholeTensorsOp : public OpTrait::TraitBase<Concrete, WholeTensorsOp> {};
template <typename Concrete> class RewritesParameterOp : public OpTrait::TraitBase<Concrete, RewritesParameterOp> {};
template <typename Concrete> class LoopInvariantWorkOp : public OpTrait::TraitBase<Concrete, LoopInvariantWorkOp> {};
template <typename Concrete> class FormsGradientEarlyOp : public OpTrait::TraitBase<Concrete, FormsGradientEarlyOp> {};
template <typename Concrete> class StructuralOp : public OpTrait::TraitBase<Concrete, StructuralOp> {};
template <typename Concrete> class DecomposedOp : public OpTrait::TraitBase<Concrete, DecomposedOp> {};
template <typename Concrete> class LetteredOp : public OpTrait::TraitBase<Concrete, LetteredOp> {};
template <typename Concrete> class InfersCheckedTypes : public OpTrait::TraitBase<Concrete, InfersCheckedTypes> {};
template <typename Concrete> class VerifiedByOdsOp : public OpTrait::TraitBase<Concrete, VerifiedByOdsOp> {};

/// Is every letter of `tensors` a loop, and every loop distinct and used by some tensor? A 0 is no letter.
constexpr bool fitLoops(std::string_view loops, std::initializer_list<std::string_view> tensors) {
  auto isSign = [](char c) { return c == '+' || c == '~'; };
  for (size_t i = 0; i < loops.size(); ++i) {
    bool isUsed = isSign(loops[i]) && i + 1 < loops.size() && !isSign(loops[i + 1]);
    for (std::string_view dims : tensors)
      isUsed |= dims.find(loops[i]) != dims.npos;
    if (!isUsed || (!isSign(loops[i]) && loops.find(loops[i], i + 1) != loops.npos))
      return false;
  }
  for (std::string_view dims : tensors)
    for (char c : dims)
      if (c != '0' && (isSign(c) || loops.find(c) == loops.npos))
        return false;
  return true;
}

/// The letters of an `IterationSpace` of Nanochat.td. `operandsOf` gives the operands of a name: none, one or many.
struct LoopLetters {
  StringRef loops;
  ArrayRef<StringLiteral> operands, results;
  using OperandsOf = llvm::function_ref<ValueRange(unsigned)>;

  SmallVector<utils::IteratorType> getTypes() const;
  SmallVector<ReductionKind> getKinds() const;
  SmallVector<AffineMap> getMaps(MLIRContext *ctx, OperandsOf operandsOf) const;
  void inferTypes(OperandsOf operandsOf, SmallVectorImpl<Type> &types) const;
};

/// Whether `verify`, of an op as it is, finds something wrong with operands, which is then an error at `loc`.
LogicalResult reportOperands(Operation *op, std::optional<Location> loc, llvm::function_ref<LogicalResult()> verify);

/// Checks operands against the constraints of an op that is yet to be made of them.
template <typename Op>
LogicalResult verifyOperands(MLIRContext *ctx, std::optional<Location> loc, ValueRange operands,
                             OpaqueProperties properties) {
  OperationState state(loc.value_or(UnknownLoc::get(ctx)), Op::getOperationName());
  state.addOperands(operands);
  // More results than any op has: their types are what nobody knows yet.
  state.types.assign(8, NoneType::get(ctx));
  if constexpr (!std::is_same_v<typename Op::Properties, EmptyProperties>)
    if (properties)
      state.getOrAddProperties<typename Op::Properties>() = *properties.as<typename Op::Properties *>();
  Operation *op = Operation::create(state);
  LogicalResult result = reportOperands(op, loc, [&] { return Op(op).verifyInvariantsImpl(); });
  op->destroy();
  return result;
}

/// The part of registerExternalModels for ops that show memory under another shape.
void registerViewModels(DialectRegistry &registry);
/// Our interfaces for upstream ops; call on every registry that holds the dialect.
void registerExternalModels(DialectRegistry &registry);

} // namespace mlir::nanochat

#include "dialect/NanochatEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/NanochatAttributes.h.inc"
#include "dialect/NanochatDialect.h.inc"
#include "dialect/interfaces/Interfaces.h.inc"
#define GET_OP_CLASSES
#include "dialect/NanochatOps.h.inc"
