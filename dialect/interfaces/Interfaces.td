#ifndef NANOCHAT_INTERFACES_TD
#define NANOCHAT_INTERFACES_TD

include "mlir/IR/OpBase.td"

/// Marks ops whose every result element depends on the operand elements at the same index only.
def Pointwise : NativeOpTrait<"PointwiseOp"> { let cppNamespace = "::mlir::nanochat"; }

/// Marks pure work on weights that is worth a stack of results where a loop would otherwise repeat it
/// with the same operands in every iteration of an enclosing loop: see --nanochat-hoist-invariants.
def LoopInvariantWork : NativeOpTrait<"LoopInvariantWorkOp"> { let cppNamespace = "::mlir::nanochat"; }

/// Marks ops of whose results every element may depend on all of every operand: no dimension could be split.
def WholeTensors : NativeOpTrait<"WholeTensorsOp"> { let cppNamespace = "::mlir::nanochat"; }

/// Declares, binds or groups and computes nothing itself: no decomposition, no iteration space.
def Structural : NativeOpTrait<"StructuralOp"> { let cppNamespace = "::mlir::nanochat"; }

/// No rule relates the operands beyond the ODS constraints and type inference.
def VerifiedByOds : NativeOpTrait<"VerifiedByOdsOp"> { let cppNamespace = "::mlir::nanochat"; }

/// Marks ops that compute gradients beside their results: never recomputed, whatever a loop's policy.
def FormsGradientEarly : NativeOpTrait<"FormsGradientEarlyOp"> { let cppNamespace = "::mlir::nanochat"; }

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::mlir::nanochat";
  let description = [{
    Reverse-mode gradient of one op. The rule reads the cotangents of the op's results and adds
    cotangents to the values it used. Forward values it names become residuals of enclosing loops,
    so a rule names the cheapest ones that suffice.
  }];
  let methods = [InterfaceMethod<[{
      Emits the vector-Jacobian product at the builder's insertion point, which is dominated by the
      op or lies in a reverse loop whose residuals the loop rule provides afterwards. Only operands
      for which `ct.wants` holds need a cotangent.
    }], "::mlir::LogicalResult", "buildVJP",
    (ins "::mlir::ImplicitLocOpBuilder &":$b, "::mlir::nanochat::Cotangents &":$ct)>];
}

def AcrossTokensOpInterface : OpInterface<"AcrossTokensOpInterface"> {
  let cppNamespace = "::mlir::nanochat";
  let description = [{
    An op that says itself how it is done for some tokens only, since what it makes of a token depends on where that is in its sequence or on
    other tokens, or since it has a body. Of all other ops each row follows from the same row of the operands; see interfaces/KeptRows.h.
  }];
  let methods = [
    InterfaceMethod<[{
      Builds the op for the tokens `rows`, whose results are those rows of the op's; null if there is none.
    }], "::mlir::Operation *", "buildOnRows", (ins "::mlir::ImplicitLocOpBuilder &":$b, "::mlir::Value":$rows), [{}], [{ return nullptr; }]>,
    InterfaceMethod<[{
      As `buildVJP`, where cotangents of values per token have the rows `kept` alone. By default the gradient of `buildOnRows`.
    }], "::llvm::LogicalResult", "buildKeptVJP",
      (ins "::mlir::ImplicitLocOpBuilder &":$b, "::mlir::nanochat::Cotangents &":$ct, "const ::mlir::nanochat::KeptRows &":$kept), [{}],
      [{ return kept.sweepOnRows(b, $_op, ct); }]>];
}

def StraightThroughOpInterface : OpInterface<"StraightThroughOpInterface"> {
  let cppNamespace = "::mlir::nanochat";
  let description = [{
    A quantiser: operand 0 is the float tensor z it quantises, result 0 its integer codes, which stand
    for the float tensor Q(z). Its declared gradient takes dQ/dz for the identity. Finite differences
    of Q do not show that, for Q is a staircase; they do of the *frozen surrogate* z + (Q(z0) − z0),
    with Q(z0) − z0 a constant: it equals Q at the point z0 under test, and its derivative is exactly
    the declared one. A checker evaluates every Q(z0) at the point first, in program order, then
    computes each consumer (`OnCodesOpInterface`) on surrogates instead of codes.
  }];
  let methods = [
    InterfaceMethod<"Builds Q(z), in the shape and float type of z, from the op's results.",
      "::mlir::Value", "buildDequantized", (ins "::mlir::OpBuilder &":$builder)>,
    InterfaceMethod<[{
      Builds z + offset, the frozen surrogate of Q(z). `offset` is Q(z0) − z0, of the type of z.
    }], "::mlir::Value", "buildSurrogate",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Value":$offset)>];
}

def OnCodesOpInterface : OpInterface<"OnCodesOpInterface"> {
  let cppNamespace = "::mlir::nanochat";
  let description = [{ An op with one result that reads the codes of `StraightThroughOpInterface` ops. }];
  let methods = [InterfaceMethod<[{
      Builds the result from float tensors: `valueOf(c)` is what the integer operand c stands for.
      Equal to the op up to rounding where `valueOf` dequantises.
    }], "::mlir::Value", "buildOnValues",
    (ins "::mlir::OpBuilder &":$builder,
         "::llvm::function_ref<::mlir::Value(::mlir::Value)>":$valueOf)>];
}

def OptimizerOpInterface : OpInterface<"OptimizerOpInterface"> {
  let cppNamespace = "::mlir::nanochat";
  let description = [{
    An update rule over (parameter, gradient, lr, weight decay, states...) that returns the new
    parameter and states. Names, types and formats of states follow from the parameter's type and the
    rule's options, so allocation, checkpoints and the memory plan need no knowledge of the rule.
  }];
  let methods = [InterfaceMethod<[{
      Names and types of the states one parameter of type `param` needs; they start at zero. Reads attributes only.
    }], "::llvm::SmallVector<::mlir::nanochat::OptimizerState>", "getStates",
    (ins "::mlir::RankedTensorType":$param)>,
    InterfaceMethod<[{
      The type of the gradient it wants of a parameter of type `param`. Other than the parameter's, it is what
      `buildProjection` makes of the gradient, which then need not exist as a whole. Reads attributes only.
    }], "::mlir::RankedTensorType", "getGradientType", (ins "::mlir::RankedTensorType":$param), [{}], [{ return param; }]>,
    StaticInterfaceMethod<"Dimensions of the parameters it is for, of each where they are stacked; 0 for any.",
    "int64_t", "getParamRank", (ins), [{}], [{ return 0; }]>,
    StaticInterfaceMethod<"Whether it draws random numbers, of an operand in front of its states; see `random_stream`.",
    "bool", "drawsRandom", (ins), [{}], [{ return false; }]>];
  let verify = [{ return ::mlir::nanochat::verifyUpdate($_op); }];
}

def ProjectingOptimizerOpInterface : OpInterface<"ProjectingOptimizerOpInterface"> {
  let cppNamespace = "::mlir::nanochat";
  let description = [{
    An update rule that wants gradients projected on a basis, its first state ("basis"), which is taken anew from a
    gradient once in a period of steps (counted by its last state, "count"). See --nanochat-project-gradients.
  }];
  let methods = [
    InterfaceMethod<"How many columns the basis of a matrix has.", "int64_t", "getBasisRank">,
    InterfaceMethod<"Steps from one basis to the next.", "int64_t", "getBasisPeriod">,
    InterfaceMethod<[{
      Builds the basis of a gradient matrix with random numbers of `stream`; `matrix` (rank-0 i32) is its number in the
      parameter, from 1 on, `step` (rank-0 i32) the count.
    }], "::mlir::Value", "buildBasis",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Value":$gradient, "::mlir::Value":$stream, "::mlir::Value":$matrix, "::mlir::Value":$step)>];
}

def OwnShapeOpInterface : OpInterface<"OwnShapeOpInterface"> {
  let cppNamespace = "::mlir::nanochat";
  let description = [{ An op whose results have the shape that its attributes say. }];
  let methods = [InterfaceMethod<"The shape of all results.", "::llvm::SmallVector<int64_t>", "getOwnShape">];
}

def CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::mlir::nanochat";
  let description = [{ Cost where it differs from the product of the iteration space. }];
  let methods = [InterfaceMethod<"Floating or integer operations; a multiply-add counts as two.",
    "int64_t", "getFlops">];
}

def KernelOpInterface : OpInterface<"KernelOpInterface"> {
  let cppNamespace = "::mlir::nanochat";
  let description = [{
    An op that fusion keeps whole, because an emitter makes better code of it than of its
    decomposition, or because it is a kernel of its own.
  }];
  let methods = [
    InterfaceMethod<"The dispatch class whose emitter serves the op.", "::mlir::nanochat::DispatchClass", "getDispatchClass">,
    InterfaceMethod<"Whether emitters for GPUs serve it; there it is taken apart otherwise.", "bool", "isForGpus", (ins), "", "return true;">,
    InterfaceMethod<"Operands that are factors of matrix products within the op.",
      "::llvm::SmallVector<::mlir::OpOperand *>", "getFactors", (ins), "", "return {};">,
    InterfaceMethod<"Has the op round to bf16 what it makes itself and multiplies, after its factors have been.", "void", "roundWithin", (ins), "", "return;">];
}

def HostOpInterface : OpInterface<"HostOpInterface"> {
  let cppNamespace = "::mlir::nanochat";
  let description = [{
    An op that may stand in an entry once its compute ops are in dispatches: stages that decide where tensors live, that
    make a host function of the entry and that replay it ask the op. What they offer it is in interfaces/Host.h.
  }];
  let methods = [
    InterfaceMethod<"Says where the results live.", "void", "place", (ins "::mlir::nanochat::HostPlaces &":$places)>,
    InterfaceMethod<"Has the host do what the op means.", "void", "emit", (ins "::mlir::nanochat::HostCode &":$code)>,
    InterfaceMethod<"Computes the results from what the operands are; failure after an error.", "::llvm::LogicalResult", "replay",
      (ins "::mlir::nanochat::HostReplay &":$replay)>,
    InterfaceMethod<"Whether the result is the operand's memory under another shape, at no cost.", "bool", "isView", (ins), [{}], [{ return false; }]>];
}

def HeadOpInterface : OpInterface<"HeadOpInterface"> {
  let cppNamespace = "::mlir::nanochat";
  let description = [{ An output head that training fuses with its loss; prediction needs its logits alone. }];
  let methods = [InterfaceMethod<"Does its loss shape training alone, so that prediction drops it?", "bool", "isAuxiliary", (ins), [{
      return $_op.getAuxiliary();
    }]>,
    InterfaceMethod<"Has its loss form the logits of `rows` tokens at a time.", "void", "setChunkRows", (ins "int64_t":$rows), [{
      $_op.setChunk(rows);
    }]>,
    InterfaceMethod<[{
      Logits (batch, V) of row `position` (rank-0 i32) of each of the batch's sequences of `seq` tokens.
    }], "::mlir::Value", "buildLogits", (ins "::mlir::OpBuilder &":$builder, "::mlir::Value":$position, "int64_t":$seq)>];
}

#endif // NANOCHAT_INTERFACES_TD
