// What every op of the dialect owes, checked on the registered ops themselves.
#include "lib/Checks/Passes.h"
#include "lib/Checks/TestedOps.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::nanochat;

namespace mlir::nanochat {
#define GEN_PASS_DEF_CHECKCONTRACTSPASS
#include "lib/Checks/Passes.h.inc"
} // namespace mlir::nanochat

namespace {

/// Does the op class declare a `verify` of its own? It would hide the one of OpState.
template <typename Op> constexpr bool hasVerify = std::is_same_v<decltype(&Op::verify), LogicalResult (Op::*)()>;

template <typename... Ops> llvm::StringSet<> namesOfVerified() {
  llvm::StringSet<> names;
  ((hasVerify<Ops> ? (void)names.insert(Ops::getOperationName()) : void()), ...);
  return names;
}

const llvm::StringSet<> &opsWithVerify() {
  static const llvm::StringSet<> names = namesOfVerified<
#define GET_OP_LIST
#include "dialect/NanochatOps.cpp.inc"
      >();
  return names;
}

/// Has the op a region? Those without say so by a trait.
bool hasRegions(RegisteredOperationName op) { return !op.hasTrait<OpTrait::ZeroRegions>(); }

bool needsVerifier(RegisteredOperationName op) {
  return !op.hasTrait<OpTrait::ZeroOperands>() && !op.hasTrait<OpTrait::OneOperand>() &&
         !op.hasTrait<OpTrait::IsTerminator>();
}

bool hasVerifier(RegisteredOperationName op) {
  // The interface's own verifier relates parameter, gradient and states.
  return opsWithVerify().contains(op.getStringRef()) || op.hasInterface<OptimizerOpInterface>() ||
         op.hasTrait<OpTrait::SameOperandsAndResultType>() || op.hasTrait<OpTrait::SameTypeOperands>() ||
         op.hasTrait<VerifiedByOdsOp>() || op.hasInterface<SymbolUserOpInterface>(); // of what it names
}

void findMissingCode(RegisteredOperationName op, SmallVectorImpl<StringRef> &missing) {
  bool structural = op.hasTrait<StructuralOp>();
  if (!structural && !op.hasInterface<linalg::AggregatedOpInterface>())
    missing.push_back("a decomposition (trait Decomposes, or Structural if it computes nothing)");
  if (!structural && !hasRegions(op) && !op.hasTrait<PointwiseOp>() && !op.hasTrait<WholeTensorsOp>() &&
      !op.hasInterface<shard::ShardingInterface>())
    missing.push_back("an iteration space (trait IterationSpace<...>, HasIterationSpace, Pointwise or WholeTensors)");
  if (needsVerifier(op) && !hasVerifier(op))
    missing.push_back("a verifier of how its operands relate (hasVerifier, or trait VerifiedByOds)");
}

void findMissingTests(RegisteredOperationName op, const TestedOps &tested, SmallVectorImpl<StringRef> &missing) {
  StringRef name = op.getStringRef();
  if (!tested.roundtrip.contains(name))
    missing.push_back("a roundtrip test");
  if (opsWithVerify().contains(name) && !tested.invalid.contains(name))
    missing.push_back("an invalid test");
  if (!op.hasTrait<StructuralOp>() && !tested.numeric.contains(name))
    missing.push_back("a numeric test");
}

struct CheckContractsPass : nanochat::impl::CheckContractsPassBase<CheckContractsPass> {
  using CheckContractsPassBase::CheckContractsPassBase;

  void runOnOperation() override {
    std::optional<TestedOps> tested;
    if (!tests.empty()) {
      llvm::Expected<TestedOps> read = TestedOps::read(tests);
      if (!read) {
        emitError(UnknownLoc::get(&getContext())) << "tests: " << llvm::toString(read.takeError());
        return signalPassFailure();
      }
      tested = std::move(*read);
    }
    for (RegisteredOperationName op : getContext().getRegisteredOperationsByDialect("nanochat")) {
      SmallVector<StringRef> missing;
      findMissingCode(op, missing);
      if (tested)
        findMissingTests(op, *tested, missing);
      if (missing.empty())
        continue;
      emitError(UnknownLoc::get(&getContext()))
          << "op '" << op.getStringRef() << "' lacks " << llvm::join(missing, "; ");
      signalPassFailure();
    }
  }
};

} // namespace
