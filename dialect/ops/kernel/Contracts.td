#ifndef NANOCHAT_OPS_CONTRACTS_TD
#define NANOCHAT_OPS_CONTRACTS_TD
include "dialect/Formats.td"
include "dialect/Nanochat.td"
include "dialect/ops/kernel/Dispatch.td"
include "dialect/ops/model/Model.td"

// What functions of the Step IR say of themselves to later stages.

def EntryKind : I32EnumAttr<"EntryKind", "what an entry of a program does", [
    I32EnumAttrCase<"gradients", 0>, I32EnumAttrCase<"update", 1>, I32EnumAttrCase<"eval", 2>,
    I32EnumAttrCase<"predict", 3>, I32EnumAttrCase<"phase", 4>]> {
  let cppNamespace = "::mlir::nanochat";
  let genSpecializedAttr = 0;
}

def BindingKind : I32EnumAttr<"BindingKind", "what an argument or result of an entry is; the numbers are those of runtime/Abi.h", [
    I32EnumAttrCase<"parameter", 0>, I32EnumAttrCase<"state", 1>, I32EnumAttrCase<"gradient", 2>,
    I32EnumAttrCase<"input", 3>, I32EnumAttrCase<"output", 4>, I32EnumAttrCase<"scales", 5>]> {
  let cppNamespace = "::mlir::nanochat";
  let genSpecializedAttr = 0;
}

def Nanochat_EntryAttr : AttrDef<Nanochat_Dialect, "Entry"> {
  let mnemonic = "entry";
  let summary = "A function that the runtime calls";
  let description = [{
    On a function that bears the name `getSymbol()`. `phase` is that of training whose gradients or update it is, or the
    name of what is done between phases; evaluation and prediction have none. All arguments and results are tensors with
    `nanochat.bind`, until nanochat-plan-memory gives them places; from then on `tensors` lists which of the program's
    tensors it reads or writes, by number.
    ```mlir
    func.func @train.update(...) attributes {nanochat.entry = #nanochat.entry<update, "train">}
    ```
  }];
  let parameters = (ins EnumParameter<EntryKind>:$kind, OptionalParameter<"::mlir::StringAttr">:$phase,
      OptionalParameter<"::mlir::DenseI64ArrayAttr">:$tensors);
  let assemblyFormat = "`<` $kind (`,` $phase^)? (`uses` $tensors^)? `>`";
  let genVerifyDecl = 1;
  let builders = [AttrBuilder<(ins "::mlir::nanochat::EntryKind":$kind, "::llvm::StringRef":$phase), [{
    return $_get($_ctxt, kind, phase.empty() ? ::mlir::StringAttr() : ::mlir::StringAttr::get($_ctxt, phase), ::mlir::DenseI64ArrayAttr());
  }]>];
  let extraClassDeclaration = [{
    /// The function's name, which is the runtime's for it: "train.gradients", "eval", "phase.fire".
    std::string getSymbol() const;
  }];
}

def Nanochat_BindAttr : AttrDef<Nanochat_Dialect, "Bind"> {
  let mnemonic = "bind";
  let summary = "What an argument or result of an entry is bound to";
  let description = [{
    Allocation, checkpoints and the program's description follow from it. What has one kind, name and type is the same
    memory in all entries: an update whose result is bound as its argument updates in place. `init` and `scale` are those
    of nanochat.param; of an input of rank 0, `scale` is the value unless the user says another. A parameter of bytes is
    codes of int8, whose `scales` bear its name: one for each of its rows (`quantize_blocks`).
    With `rows` it is a rank's share of a tensor that has as many in its leading dimension: rank r has those from r times its own number of rows on,
    and zeros behind the last.
    ```mlir
    %embed: tensor<257x12xf32> {nanochat.bind = #nanochat.bind<parameter, "embed", role = "embedding", init = normal, scale = 2.0e-02 : f64>}
    ```
  }];
  let parameters = (ins EnumParameter<BindingKind>:$kind, "::mlir::StringAttr":$tensor,
      OptionalParameter<"::mlir::StringAttr">:$role,
      DefaultValuedParameter<"::mlir::nanochat::Init", "::mlir::nanochat::Init::constant">:$init,
      OptionalParameter<"::mlir::FloatAttr">:$scale, DefaultValuedParameter<"int64_t", "0">:$rows);
  let assemblyFormat = "`<` $kind `,` $tensor (`,` struct($role, $init, $scale, $rows)^)? `>`";
  let genVerifyDecl = 1;
  let builders = [AttrBuilder<(ins "::mlir::nanochat::BindingKind":$kind, "::llvm::StringRef":$tensor, CArg<"::llvm::StringRef", "{}">:$role,
      CArg<"::mlir::nanochat::Init", "::mlir::nanochat::Init::constant">:$init, CArg<"double", "0.0">:$scale)>];
  let extraClassDeclaration = [{
    ::llvm::StringRef getTensorName() const { return getTensor().getValue(); }
    ::llvm::StringRef getRoleName() const { return getRole() ? getRole().getValue() : ::llvm::StringRef(); }
    double getScaleValue() const { return getScale() ? getScale().getValueAsDouble() : 0.0; }
    /// Kind and name, as messages and recorded steps have them: "gradient embed".
    std::string describe() const;
    /// The same of a rank's share of `rows`.
    BindAttr sharedOut(int64_t rows) const { return get(getContext(), getKind(), getTensor(), getRole(), getInit(), getScale(), rows); }
  }];
}

def Nanochat_KernelAttr : AttrDef<Nanochat_Dialect, "Kernel"> {
  let mnemonic = "kernel";
  let summary = "A kernel: which emitter it needs, what a call costs, and how it runs once it is emitted";
  let description = [{
    On a function from tensors to tensors, the kernel's meaning, or on what an emitter made of it, from buffers to
    buffers: `tasks` is set then. Result i may overwrite input `inplace[i]`, none where that is -1; without `inplace` no
    result may. `flops` are the operations of a call, its products of numbers of the format `arithmetic`. `scratch` are
    bytes, of each thread, or on a GPU of each block, which has `threads` threads and `shared` bytes of shared memory.
    ```mlir
    func.func private @gemm_16x8(...) attributes {nanochat.kernel = #nanochat.kernel<gemm, inplace = [-1], flops = 1024, tasks = 2, scratch = 64>}
    ```
  }];
  let parameters = (ins EnumParameter<DispatchClass>:$kind, OptionalParameter<"::mlir::DenseI64ArrayAttr">:$inplace,
      DefaultValuedParameter<"int64_t", "0">:$flops,
      DefaultValuedParameter<"::mlir::nanochat::Format", "::mlir::nanochat::Format::f32">:$arithmetic,
      DefaultValuedParameter<"int64_t", "0">:$tasks, DefaultValuedParameter<"int64_t", "0">:$scratch,
      DefaultValuedParameter<"int64_t", "0">:$threads, DefaultValuedParameter<"int64_t", "0">:$shared);
  let assemblyFormat = "`<` $kind (`,` struct($inplace, $flops, $arithmetic, $tasks, $scratch, $threads, $shared)^)? `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool isEmitted() const { return getTasks() > 0; }
    /// Does a block of GPU threads run a task?
    bool isOfBlock() const { return getThreads() > 0; }
    ::llvm::ArrayRef<int64_t> getOverwritten() const { return getInplace() ? getInplace().asArrayRef() : ::llvm::ArrayRef<int64_t>(); }
    /// As it is once an emitter made tasks of it, which write `results` tensors.
    KernelAttr emitted(int64_t results, int64_t tasks, int64_t scratch, int64_t threads = 0, int64_t shared = 0) const;
  }];
}

#endif // NANOCHAT_OPS_CONTRACTS_TD
