#ifndef NANOCHAT_INTERFACES_TD
#define NANOCHAT_INTERFACES_TD

include "mlir/IR/OpBase.td"

/// Marks ops whose every result element depends on the operand elements at the same index only.
def Pointwise : NativeOpTrait<"PointwiseOp"> { let cppNamespace = "::mlir::nanochat"; }

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
    (ins "::mlir::OpBuilder &":$builder, "::mlir::nanochat::Cotangents &":$ct)>];
}

def OptimizerOpInterface : OpInterface<"OptimizerOpInterface"> {
  let cppNamespace = "::mlir::nanochat";
  let description = [{
    An update rule over (parameter, gradient, lr, weight decay, states...) that returns the new
    parameter and states. States, their types and roles follow from the parameter's type alone, so
    allocation, checkpoints and the memory plan need no knowledge of the rule.
  }];
  let methods = [StaticInterfaceMethod<[{
      Names and types of the states one parameter of type `param` needs; they start at zero.
    }], "::llvm::SmallVector<::mlir::nanochat::OptimizerState>", "getStates",
    (ins "::mlir::RankedTensorType":$param)>];
  let verify = [{ return ::mlir::nanochat::verifyUpdate($_op); }];
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
  let methods = [InterfaceMethod<"The dispatch class whose emitter serves the op.",
    "::mlir::nanochat::DispatchClass", "getDispatchClass">];
}

#endif // NANOCHAT_INTERFACES_TD
