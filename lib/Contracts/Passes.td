#ifndef NANOCHAT_CONTRACTS_PASSES_TD
#define NANOCHAT_CONTRACTS_PASSES_TD
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

    Example: test/contracts/check-contracts.mlir
  }];
  let options = [Option<"tests", "tests", "std::string", "\"\"",
      "Folder of the op tests, searched for *.mlir; not checked if empty">];
  let dependentDialects = ["::mlir::nanochat::NanochatDialect"];
}

#endif // NANOCHAT_CONTRACTS_PASSES_TD
