#ifndef NANOCHAT_PROGRAM_PASSES_TD
#define NANOCHAT_PROGRAM_PASSES_TD
include "mlir/Pass/PassBase.td"

def RecordModelPass : Pass<"nanochat-record-model", "::mlir::ModuleOp"> {
  let summary = "Write down what a model says of the program it becomes";
  let description = [{
    Makes the module's `nanochat.program` of the model's name, its parameters, its vocabulary, the module's target and the
    sizes that `nanochat-set-sizes` left on the module.
  }];
  let options = [Option<"onlyOnRequest", "only-on-request", "bool", "false", "The program runs only where the user names its device">,
                 Option<"choices", "choices", "std::string", "", "What is kept in memory, as options of nanochat-opt">];
}

def RecordWorkPass : Pass<"nanochat-record-work", "::mlir::ModuleOp"> {
  let summary = "Write down the work that the model is for a training token";
  let description = [{
    `flops_per_token` of the program is the work of entry @train.gradients for each token, without what a loop's policy has the gradient
    repeat of the forward pass. Ops that do so lose their mark, `nanochat.recomputed`.
  }];
}

def RecordStepPass : Pass<"nanochat-record-step", "::mlir::ModuleOp"> {
  let summary = "Write down which step of a model the program does";
  let description = [{
    `ir_hash` of the program is a hash of the module's other ops as printed and of what the user chose to keep: equal programs made with equal
    options have equal ones. So are products of
    four-bit floats written down.
  }];
}

def DescribeProgramPass : Pass<"nanochat-describe-program", "::mlir::ModuleOp"> {
  let summary = "Constants that describe the program and its kernels to the runtime";
  let description = [{
    `nanochat.program` becomes @nc_program.<target>, an nc_program of runtime/Abi.h, and every emitted kernel @k gets
    @k.info, an nc_kernel_info. What instructions they need is by the module's target. Elements of a type that the ABI has no
    number for are errors.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect"];
}

#endif
