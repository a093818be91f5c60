#ifndef NANOCHAT_NANOCHAT_TD
#define NANOCHAT_NANOCHAT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Dialect/Linalg/IR/LinalgInterfaces.td"
include "mlir/Dialect/Shard/Interfaces/ShardingInterface.td"
include "dialect/interfaces/Interfaces.td"

def Nanochat_Dialect : Dialect {
  let name = "nanochat";
  let cppNamespace = "::mlir::nanochat";
  let useDefaultAttributePrinterParser = 1;
  let summary = "Training programs of looped language models";
  let description = [{
    A model is written on tensors of shape (N, C): N = batch·seq tokens, outermost first, C channels.
    Weights are stored out × in. Loops over stacked layers and over LoopLM steps are one rolled op.
    The meaning of every compute op is its decomposition into linalg, arith, math, tensor and scf.
  }];
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
}

class Nanochat_Op<string mnemonic, list<Trait> traits = []> : Op<Nanochat_Dialect, mnemonic, traits>;

/// Tensors of any float precision: f32 in programs, f64 when the reference checks gradients.
def Float : AnyTypeOf<[F32, F64]>;
def FloatTensor : RankedTensorOf<[Float]>;
def FloatScalar : TensorRankOf<[Float], [0]>;
def FloatVector : TensorRankOf<[Float], [1]>;
def FloatMatrix : TensorRankOf<[Float], [2]>;
def IntVector : TensorRankOf<[I32], [1]>;

/// An attribute that a model may also say by a formula of its sizes; see dialect/ops/model/Sized.h.
class SizedOf<Attr of> : Attr<SubstLeaves<"$_self", "::mlir::nanochat::plain($_self)", of.predicate>, of.summary> {
  let storageType = "::mlir::nanochat::Sized<" # of.storageType # ">";
  let returnType = of.returnType;
  let convertFromStorage = !subst("$_self", "$_self.get()", of.convertFromStorage);
  let constBuilderCall = of.constBuilderCall;
}

/// Numbers that stay what is said of them in f32.
class NumberThat<string condition, string text> : SizedOf<ConfinedAttr<F64Attr, [AttrConstraint<
    CPred<"[](float x) { return std::isfinite(x) && (" # condition # "); }("
          "float(::llvm::cast<::mlir::FloatAttr>($_self).getValueAsDouble()))">, text>]>>;
def Finite : NumberThat<"true", "is finite in f32">;
def NonNegative : NumberThat<"x >= 0", "is from zero and finite in f32">;
def Positive : NumberThat<"x > 0", "is above zero and finite in f32">;
/// Of a mean that forgets: what it keeps of itself.
def Decay : NumberThat<"x >= 0 && x < 1", "is from zero and below one in f32">;

/// Of all there is.
def Share : NumberThat<"x > 0 && x <= 1", "is above zero and at most one">;

/// Sizes and counts: as far as 32-bit numbers go, so that products of two do not overflow.
def Count : SizedOf<ConfinedAttr<I64Attr, [IntPositive, IntMaxValue<2147483647>]>>;
def Natural : SizedOf<ConfinedAttr<I64Attr, [IntNonNegative, IntMaxValue<2147483647>]>>;
def Dims : TypedArrayAttrBase<Count, "dimensions">;

/// What stands in files beside other names.
def Name : ConfinedAttr<StrAttr, [AttrConstraint<
    CPred<"::mlir::nanochat::isName(::llvm::cast<::mlir::StringAttr>($_self).getValue())">,
    "is a name that files can hold: 1 to 128 bytes of UTF-8 without control characters, not \"__metadata__\"">]>;
/// What users write in options, between their commas, colons and signs of equality.
def Word : ConfinedAttr<StrAttr, [AttrConstraint<
    CPred<"::mlir::nanochat::isWord(::llvm::cast<::mlir::StringAttr>($_self).getValue())">,
    "is a word that options can hold: 1 to 64 letters, digits, '_', '.' and '-', no digit, '.' or '-' first">]>;

/// The meaning of an op, required of every compute op: what its results are, made of other ops at `b`.
def Decomposed : NativeOpTrait<"DecomposedOp", [], [{
    ::llvm::SmallVector<::mlir::Value> decompose(::mlir::ImplicitLocOpBuilder &b);
    ::mlir::FailureOr<::llvm::SmallVector<::mlir::Value>> decomposeOperation(::mlir::OpBuilder &builder) {
      ::mlir::ImplicitLocOpBuilder b(getLoc(), builder);
      return decompose(b);
    }
  }]> {
  let cppNamespace = "::mlir::nanochat";
}
def Decomposes : TraitList<[AggregatedOpInterface, Decomposed]>;
/// May stand in an entry beside its kernels.
def StandsInHost : DeclareOpInterfaceMethods<HostOpInterface>;
/// An own gradient; ops without it are differentiated through their decomposition.
def HasVjp : DeclareOpInterfaceMethods<DifferentiableOpInterface>;
/// What it costs, where that is not the product of its iteration space.
def HasCost : DeclareOpInterfaceMethods<CostOpInterface>;
/// Results whose shape attributes say, as a parameter's.
def HasOwnShape : DeclareOpInterfaceMethods<OwnShapeOpInterface>;
class LoopMethods<code methods> : NativeOpTrait<"LetteredOp", [], methods> {
  let cppNamespace = "::mlir::nanochat";
}
/// The iteration space, from which cost, sharding and fusion legality follow, where loops depend on shapes; what is
/// reduced is not a sum.
def HasIterationSpace : TraitList<[
  DeclareOpInterfaceMethods<ShardingInterface, ["getLoopIteratorTypes", "getIndexingMaps"]>, LoopMethods<[{
    ::llvm::SmallVector<::mlir::shard::ReductionKind> getReductionLoopIteratorKinds() {
      auto reduced = ::llvm::count(getLoopIteratorTypes(), ::mlir::utils::IteratorType::reduction);
      return ::llvm::SmallVector<::mlir::shard::ReductionKind>(reduced, ::mlir::shard::ReductionKind::Generic);
    }
  }]>]>;
/// The same, where only maps do: `loops` are letters, as in `IterationSpace`.
class Loops<string loops> : TraitList<[
  DeclareOpInterfaceMethods<ShardingInterface, ["getIndexingMaps"]>, LoopMethods<[{
    static ::mlir::nanochat::LoopLetters getLetters() { return {"}] # loops # [{", {}, {}}; }
    ::llvm::SmallVector<::mlir::utils::IteratorType> getLoopIteratorTypes() { return getLetters().getTypes(); }
    ::llvm::SmallVector<::mlir::shard::ReductionKind> getReductionLoopIteratorKinds() { return getLetters().getKinds(); }
  }]>]>;
class Lettered<string loops, list<string> operands, list<string> results> : NativeOpTrait<"LetteredOp", [],
  [{
    static ::mlir::nanochat::LoopLetters getLetters();
    ::llvm::SmallVector<::mlir::utils::IteratorType> getLoopIteratorTypes() { return getLetters().getTypes(); }
    ::llvm::SmallVector<::mlir::shard::ReductionKind> getReductionLoopIteratorKinds() { return getLetters().getKinds(); }
    ::llvm::SmallVector<::mlir::AffineMap> getIndexingMaps() {
      return getLetters().getMaps(getContext(), [&](unsigned i) { return ::mlir::ValueRange(getODSOperands(i)); });
    }
  }],
  [{
    ::mlir::nanochat::LoopLetters $cppClass::getLetters() {
      static_assert(::mlir::nanochat::fitLoops("}] # loops # [{", {"}] # !interleave(!listconcat(operands, results), "\", \"") # [{"}));
      static constexpr ::llvm::StringLiteral operands[] = {"}] # !interleave(operands, "\", \"") # [{"},
          results[] = {"}] # !interleave(results, "\", \"") # [{"};
      return {"}] # loops # [{", operands, results};
    }
  }]> {
  let cppNamespace = "::mlir::nanochat";
}
/// An iteration space in letters: `loops` has one for each loop, behind "+" where it is summed over and behind "~" where
/// it is reduced in another way; operands (absent optional ones as well) and results have one for each of their dims, or 0 where
/// all of it is read in every iteration.
class IterationSpace<string loops, list<string> operands, list<string> results>
    : TraitList<[ShardingInterface, Lettered<loops, operands, results>]>;

class InfersCheckedTypesBy<code rule> : NativeOpTrait<"InfersCheckedTypes", [],
  [{
    static ::llvm::LogicalResult inferReturnTypes(::mlir::MLIRContext *context, std::optional<::mlir::Location> location,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types);
  }],
  [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *context,
        std::optional<::mlir::Location> location, ::mlir::ValueRange operands, ::mlir::DictionaryAttr attributes,
        ::mlir::OpaqueProperties properties, ::mlir::RegionRange regions, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      if (::mlir::nanochat::inferUnsized<$cppClass>(operands, types))
        return ::mlir::success();
      if (failed(::mlir::nanochat::verifyOperands<$cppClass>(context, location, operands, properties)))
        return ::mlir::failure();
      return inferReturnTypes(context, location, Adaptor(operands, attributes, properties, regions), types);
    }
  }] # rule> {
  let cppNamespace = "::mlir::nanochat";
}
/// Result types follow from operands, whose own constraints are checked before: a parser infers first, on whatever
/// a text says.
def InfersTypes : TraitList<[DeclareOpInterfaceMethods<InferTypeOpInterface>, InfersCheckedTypesBy<"">]>;
/// The same, where a statement says enough.
class InfersTypesBy<string rule> : TraitList<[DeclareOpInterfaceMethods<InferTypeOpInterface>, InfersCheckedTypesBy<[{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *, std::optional<::mlir::Location>,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) { }] # rule # [{ return ::mlir::success(); }
  }]>]>;
def InfersFirstType : InfersTypesBy<"types.push_back(adaptor.getOperands().front().getType());">;
/// Sizes are those of operands along the loops, elements those of the first operand of floats.
def InfersTypesByLetters : InfersTypesBy<
    "getLetters().inferTypes([&](unsigned i) { return ::mlir::ValueRange(adaptor.getODSOperands(i)); }, types);">;

/// A pure function of tensors with a decomposition.
class Nanochat_ComputeOp<string mnemonic, list<Trait> traits = []>
    : Nanochat_Op<mnemonic, !listconcat([Pure, Decomposes], traits)>;

/// Pointwise: operands and result have one type, gradient through the decomposition.
class Nanochat_PointwiseOp<string mnemonic, list<Trait> traits = []>
    : Nanochat_ComputeOp<mnemonic, !listconcat([SameOperandsAndResultType, Pointwise], traits)>;

#endif // NANOCHAT_NANOCHAT_TD
