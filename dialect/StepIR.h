// The Step IR: one func.func per entry point, whose arguments and results are bound by name.
//
// Entries carry `nanochat.entry`, their arguments and results `nanochat.bind`, kernels `nanochat.kernel`: what these
// say is in ops/kernel/Contracts.td, and what is not so is an error of the verifier.
#pragma once

#include "dialect/Nanochat.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::nanochat {

/// On the module, from nanochat-set-sizes to the program's op: dictionary of compile-time sizes (batch, seq, accum,
/// n_loops...).
inline constexpr llvm::StringLiteral kSizesAttr = "nanochat.sizes";
/// On dispatches that only copy because no choice of places avoids it: unit.
inline constexpr llvm::StringLiteral kCopyAttr = "nanochat.copy";

/// On ops of a gradient that a loop's policy has repeat the forward pass: unit. Such work is no part of a model's.
inline constexpr llvm::StringLiteral kRecomputedAttr = "nanochat.recomputed";
/// On loops with a limit, here and as host code: i64, how many steps there are to each in which they run;
/// kFirstStepOnly.
inline constexpr llvm::StringLiteral kPeriodAttr = "nanochat.period";
inline constexpr int64_t kFirstStepOnly = std::numeric_limits<int32_t>::max();

/// On the loop over micro-batches, here and as host code: unit.
inline constexpr llvm::StringLiteral kMicroBatchesAttr = "nanochat.micro_batches";

/// On kernels that no emitter took, for readers: why.
inline constexpr llvm::StringLiteral kDeclinedAttr = "nanochat.declined";

/// What functions say of themselves and of their arguments and results (ops/kernel/Contracts.td); null where they say
/// nothing.
inline EntryAttr getEntry(Operation *op) { return op->getAttrOfType<EntryAttr>(EntryAttr::name); }
inline KernelAttr getKernel(Operation *op) { return op->getAttrOfType<KernelAttr>(KernelAttr::name); }
inline void setKernel(Operation *op, KernelAttr kernel) { op->setAttr(KernelAttr::name, kernel); }
inline BindAttr getArgBinding(func::FuncOp entry, unsigned number) {
  return entry.getArgAttrOfType<BindAttr>(number, BindAttr::name);
}
inline BindAttr getArgBinding(func::FuncOp entry, Value argument) {
  return getArgBinding(entry, cast<BlockArgument>(argument).getArgNumber());
}
inline BindAttr getResultBinding(func::FuncOp entry, unsigned number) {
  return entry.getResultAttrOfType<BindAttr>(number, BindAttr::name);
}
/// `bind` beside nothing else, as functions keep it.
DictionaryAttr besideBinding(BindAttr bind);

/// What entries bind the parameter or scalar input to.
BindAttr bindingOf(ParamOp param);
BindAttr bindingOf(ScalarOp scalar);

/// Types of what a kernel reads and then writes: tensors, or once it is emitted buffers, in front of its task and
/// memory.
SmallVector<Type> bufferTypes(func::FuncOp kernel);

/// Bytes of a dense tensor.
int64_t denseBytes(Type type);
/// Where tensors of that kind lie.
Arena arenaOf(BindingKind kind);

/// The numbers of `nanochat.range` = [low, high], from which tests draw an argument; none where it is something else.
std::optional<std::pair<double, double>> readRange(Attribute attr);

/// The argument of `entry` bound to that tensor, which it is given if it has none.
Value argumentOf(func::FuncOp entry, Type type, BindAttr binding);

/// The program's input that holds the seed of the run, which the runtime fills: SeedWords of ops/quantize/Random.td.
inline constexpr llvm::StringLiteral kSeedInput = "seed";

/// Where the update rule of a parameter finds its random numbers.
Value createUpdateStream(OpBuilder &b, Location loc, Value seed, StringRef param);

/// Grows an entry function: arguments are added by binding, ops are cloned or built at its end.
class EntryBuilder {
public:
  EntryBuilder(ModuleOp module, EntryKind kind, StringRef phase, Location loc);

  /// A new argument.
  Value argument(Type type, BindAttr binding);
  Value argument(Type type, BindingKind kind, StringRef name, StringRef role = "") {
    return argument(type, bind(kind, name, role));
  }
  /// A value to return.
  void result(Value value, BindAttr binding);
  void result(Value value, BindingKind kind, StringRef name, StringRef role = "") {
    result(value, bind(kind, name, role));
  }
  /// Ends the function with a return of all results.
  void finish();

  func::FuncOp func;
  OpBuilder builder; // at the end of the entry block

private:
  BindAttr bind(BindingKind kind, StringRef name, StringRef role) {
    return BindAttr::get(builder.getContext(), kind, name, role);
  }

  SmallVector<Value> results;
  SmallVector<Attribute> argAttrs, resultAttrs;
};

/// Does `op` show its operand's memory under another shape? Such ops stay beside dispatches and cost nothing.
bool isView(Operation *op);
/// The value whose memory `value` shows under another shape.
Value stripViews(Value value);
/// All that the op reads, nested regions included.
SetVector<Value> readBy(Operation *op);

/// The functions of `module` that are entries.
SmallVector<func::FuncOp> getEntries(ModuleOp module);
/// The entry of that kind and phase; null if there is none.
func::FuncOp findEntry(ModuleOp module, EntryKind kind, StringRef phase);

/// What is known of the program that `module` becomes; null if nothing was written down yet.
ProgramOp getProgram(ModuleOp module);
/// The same; one that knows nothing, at the module's beginning, if there was none.
ProgramOp getOrCreateProgram(ModuleOp module);
/// A compile-time size of the program, or `missing` where it, which may be null, has none of that name.
int64_t sizeOr(ProgramOp program, StringRef name, int64_t missing);

/// Whether all ops of an entry, those of loops included, may stand beside its dispatches; errors at those that may not.
LogicalResult verifyHostOps(func::FuncOp entry);
/// Whether the exchanges of an entry have free lanes and are among as many ranks as the program has; errors at those
/// that are not.
LogicalResult verifyExchanges(func::FuncOp entry);

} // namespace mlir::nanochat
