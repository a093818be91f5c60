#include "lib/Checks/KernelCheck.h"
#include "lib/Checks/Passes.h"
#include "lib/Reference/Reference.h"
#include "lib/Targets/gpu/Emitters.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "runtime/emulator/Emulator.h"
#include "llvm/ADT/ScopeExit.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_CHECKMUTANTSPASS
#include "lib/Checks/Passes.h.inc"

/// Takes out what `op` does, if it is a wait, a turn or a stride; what that was. All addresses stay aligned and within
/// their buffers.
static StringRef mutate(Operation *op) {
  if (isa<NVVM::BarrierOp, NVVM::SyncWarpOp, NVVM::CpAsyncCommitGroupOp>(op)) {
    StringRef name = op->getName().getStringRef();
    op->erase();
    return name;
  }
  if (auto wait = dyn_cast<NVVM::CpAsyncWaitGroupOp>(op)) {
    wait.setN(wait.getN() + 1);
    return "the last group waited for";
  }
  if (auto mma = dyn_cast<NVVM::MmaBlockScaleOp>(op); mma && mma.getScaleVecSize() == NVVM::ScaleVecSize::X2) {
    OpBuilder b(op);
    APInt first;
    matchPattern(mma.getByteIdA(), m_ConstantInt(&first));
    Value other = arith::ConstantOp::create(b, op->getLoc(), b.getI16IntegerAttr(first.isZero() ? 2 : 0));
    mma.getByteIdAMutable().assign(other);
    return "the scales of its own blocks";
  }
  if (auto turn = dyn_cast<arith::XOrIOp>(op); turn && turn.getType().isInteger(32)) {
    turn.replaceAllUsesWith(turn.getLhs());
    return "a permutation of shared memory";
  }
  if (auto step = dyn_cast<arith::MulIOp>(op); step && matchPattern(step.getRhs(), m_Constant())) {
    OpBuilder b(op);
    step.replaceAllUsesWith(arith::ConstantOp::create(b, op->getLoc(), b.getZeroAttr(step.getType())).getResult());
    return "a stride";
  }
  return "";
}

namespace {
struct CheckMutants : impl::CheckMutantsPassBase<CheckMutants> {
  using CheckMutantsPassBase::CheckMutantsPassBase;

  void getDependentDialects(DialectRegistry &registry) const override { registerExecutionDialects(registry); }

  /// Whether the kernel with its number-th op mutated gives other results or none; nothing where that op is no wait or
  /// turn.
  std::optional<bool> isCaught(func::FuncOp meaning, func::FuncOp emitted, unsigned number,
                               const std::vector<HostTensor> &inputs, StringRef &what) {
    OwningOpRef<ModuleOp> module(emitted->getParentOfType<ModuleOp>().clone());
    auto mutant = module->lookupSymbol<func::FuncOp>(emitted.getName());
    SmallVector<Operation *> ops;
    mutant.walk([&](Operation *op) { ops.push_back(op); });
    what = mutate(ops[number]);
    if (what.empty())
      return std::nullopt;
    ScopedDiagnosticHandler quiet(&getContext(), [](Diagnostic &) { return success(); });
    int failures = nc_emulate_failures;
    bool isSame = succeeded(checkKernel(meaning, mutant, inputs, tolerance));
    return !isSame || nc_emulate_failures > failures;
  }

  LogicalResult check(func::FuncOp kernel, const Target &row) {
    OwningOpRef<ModuleOp> module(getOperation().clone());
    auto emitted = module->lookupSymbol<func::FuncOp>(kernel.getName());
    if (failed(emitKernel(emitted, row)))
      return kernel.emitError("is not emitted for ") << row.name;
    // Equal addresses are one op, and one mutant.
    PassManager cse(&getContext());
    cse.addNestedPass<func::FuncOp>(createCSEPass());
    if (failed(cse.run(*module)))
      return failure();
    Filler filler(0);
    auto inputs = randomInputs(kernel, filler, /*extremes=*/false);
    if (failed(inputs) || failed(checkKernel(kernel, emitted, *inputs, tolerance)))
      return failure();
    unsigned mutants = 0;
    bool areCaught = true;
    SmallVector<Operation *> ops;
    emitted.walk([&](Operation *op) { ops.push_back(op); });
    for (unsigned i = 0; i < ops.size(); ++i) {
      StringRef what;
      std::optional<bool> caught = isCaught(kernel, emitted, i, *inputs, what);
      mutants += caught.has_value();
      if (caught.value_or(true))
        continue;
      kernel.emitError("gives the same without ") << what << ", op " << i << ": " << *ops[i];
      areCaught = false;
    }
    llvm::outs() << kernel.getName() << ": " << mutants << " mutants\n";
    return success(areCaught);
  }

  void runOnOperation() override {
    FailureOr<Target> row = targetOf(getOperation(), target);
    if (failed(row) || failed(checkGemmTile(getOperation().getLoc(), *row)))
      return signalPassFailure();
    if (!row->gpu) {
      getOperation().emitError("'") << row->name << "' is no GPU, whose kernels have waits and turns";
      return signalPassFailure();
    }
    nc_emulate_keeps_going = 1;
    llvm::scope_exit restore([] { nc_emulate_keeps_going = 0; });
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (getKernel(func) && failed(check(func, *row)))
        signalPassFailure();
  }
};
} // namespace
} // namespace mlir::nanochat
