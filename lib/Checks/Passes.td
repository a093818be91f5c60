#ifndef NANOCHAT_CHECKS_PASSES_TD
#define NANOCHAT_CHECKS_PASSES_TD
include "mlir/Pass/PassBase.td"

def CheckContractsPass : Pass<"nanochat-check-contracts"> {
  let summary = "Every op of the dialect supplies what every op must";
  let description = [{
    Walks the registered ops, not the input, and fails with one error per op that lacks something:

    - decomposition: `AggregatedOpInterface`, unless the op is `Structural`;
    - iteration space: `ShardingInterface`, unless the op is `Structural`, `Pointwise` or has a
      region, whose ops have it;
    - verifier: where there are two or more operands, a `verify` of the op or of its interfaces, or a
      trait that relates them (`SameOperandsAndResultType`, `SameTypeOperands`, `VerifiedByOds`).
      Terminators are checked by their parents;
    - with `tests`, a mention in a test of each kind below that folder. The kind is read from the RUN
      lines: printed and parsed again (roundtrip); `-verify-diagnostics` (invalid), if the op has a
      `verify` of its own; executed by `--nanochat-check-numeric` or `--nanochat-check-grad`
      (numeric), unless the op is `Structural`. A gradient check of `x` also executes `x_grad`.

    Example: test/checks/check-contracts.mlir
  }];
  let options = [Option<"tests", "tests", "std::string", "\"\"",
      "Folder of the op tests, searched for *.mlir; not checked if empty">];
  let dependentDialects = ["::mlir::nanochat::NanochatDialect"];
}

def CheckNumericPass : Pass<"nanochat-check-numeric", "::mlir::ModuleOp"> {
  let summary = "Runs functions and compares their results pairwise";
  let description = [{
    Every public function without arguments returns pairs (actual, expected, ...). Each is run through
    the reference lowering; |actual - expected| <= tolerance·(1 + |expected|) must hold for floats,
    equality for integers. `nanochat.tolerance` on the function overrides the tolerance of 1e-6.
  }];
  let options = [Option<"summary", "summary", "bool", "false", "Print how much was compared">];
}

def CheckGradPass : Pass<"nanochat-check-grad", "::mlir::ModuleOp"> {
  let summary = "Compares gradients with central differences";
  let description = [{
    For every function with `nanochat.check_grad`, in f64 and at random inputs: the gradient of a random
    weighting of its float results along every coordinate (arguments of up to 64 elements) and random
    directions must equal the central difference to `nanochat.tolerance` (1e-6, relative); and all
    recompute policies of its loops must give the same bits. Argument attributes:
    `nanochat.range = [lo, hi]` restricts values, `nanochat.bound = V` ids, `nanochat.fixed` arguments count as
    constants. Of a `nanochat.model` the losses of all phases are checked, as functions of the parameters that the phase
    trains: small sizes (`nanochat-set-sizes`) make that quick.
  }];
  let options = [Option<"summary", "summary", "bool", "false", "Print how many functions were checked">];
}

def CheckKernelsPass : Pass<"nanochat-check-kernels", "::mlir::ModuleOp"> {
  let summary = "Runs emitted kernels against their meaning";
  let description = [{
    Every function on tensors with `nanochat.class` is emitted by the emitter that the target has for its class and run, for an NVIDIA
    row by the emulator, on random inputs: all its tasks in rising and in falling order into outputs filled with NaNs. Results
    must be those of the reference: integers exactly, floats up to `tolerance` in relative L2.
  }];
  let options = [
    Option<"tolerance", "tolerance", "double", "1e-5", "Relative L2 error of float results">,
    Option<"target", "target", "std::string", "\"\"", "Another target than the module's, as for nanochat-set-target">,
    Option<"extremes", "extremes", "bool", "false", "Inputs are zeros and the ends of their ranges; floats ±1, ±1e-20 and ±1e8 as well">,
    Option<"summary", "summary", "bool", "false", "Print how much was checked">];
}

def CheckMutantsPass : Pass<"nanochat-check-mutants", "::mlir::ModuleOp"> {
  let summary = "Tests that kernels of GPUs are wrong without each of their waits, turns and strides";
  let description = [{
    Every function on tensors with `nanochat.class` is emitted for an NVIDIA row. Then each barrier, each wait for copies and each
    group of them, each permutation of shared memory and each stride of an address (as a factor of 0) is taken out in turn: the emulator must then find results that are not the
    reference's (see `nanochat-check-kernels`), with threads in one order or the other, or a block that cannot go on. An error at
    what could be taken out unnoticed.
    Example: test/checks/check-mutants.mlir.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"\"", "Another target than the module's, an NVIDIA row, as for nanochat-set-target">,
    Option<"tolerance", "tolerance", "double", "1e-5", "Relative L2 error of float results">];
}

#endif // NANOCHAT_CHECKS_PASSES_TD
