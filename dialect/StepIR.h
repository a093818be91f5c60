// The Step IR: one func.func per entry point, whose arguments and results are bound by name.
//
// Every argument and result of an entry carries `nanochat.bind`, from which allocation, checkpoints
// and the program descriptor follow. Tensors of one kind and name are the same memory in all entries:
// an update entry whose result is bound as its argument updates in place.
#ifndef NANOCHAT_DIALECT_STEPIR_H
#define NANOCHAT_DIALECT_STEPIR_H

#include "dialect/Nanochat.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::nanochat {

inline constexpr llvm::StringLiteral kBindAttr = "nanochat.bind";
/// On entry functions: unit.
inline constexpr llvm::StringLiteral kEntryAttr = "nanochat.entry";
/// On the module: dictionary of compile-time sizes (batch, seq, accum, n_loops...).
inline constexpr llvm::StringLiteral kSizesAttr = "nanochat.sizes";

/// What an argument or result of an entry is. `kind` is one of "param", "state", "gradient",
/// "input", "output"; `init` and `role` are those of nanochat.param (zero start otherwise).
struct Binding {
  StringRef kind, name, role = "";
  Init init = Init::constant;
  double scale = 0.0;

  DictionaryAttr toAttr(Builder &b) const;
  static Binding of(DictionaryAttr attr);
};

/// The program's input that holds the seed of the run, which the runtime fills: SeedWords of ops/Random.td.
inline constexpr llvm::StringLiteral kSeedInput = "seed";

/// Where the update rule of a parameter finds its random numbers.
Value createUpdateStream(OpBuilder &b, Location loc, Value seed, StringRef param);

/// Grows an entry function: arguments are added by binding, ops are cloned or built at its end.
class EntryBuilder {
public:
  EntryBuilder(ModuleOp module, StringRef name, Location loc);

  /// A new argument.
  Value argument(Type type, const Binding &binding);
  /// A value to return.
  void result(Value value, const Binding &binding);
  /// Ends the function with a return of all results.
  void finish();

  func::FuncOp func;
  OpBuilder builder; // at the end of the entry block

private:
  SmallVector<Value> results;
  SmallVector<Attribute> argAttrs, resultAttrs;
};

/// Does `op` show its operand's memory under another shape? Such ops stay beside dispatches and cost nothing.
bool isView(Operation *op);

/// The functions of `module` that are entries.
SmallVector<func::FuncOp> getEntries(ModuleOp module);

} // namespace mlir::nanochat
#endif
