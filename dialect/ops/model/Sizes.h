// The sizes of a model: what its names stand for, and the model with other ones.
#pragma once

#include "dialect/Nanochat.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::nanochat {

/// `name = formula`, or `name {settings}`; null after an error.
SettingAttr parseSetting(AsmParser &parser);
void printSetting(AsmPrinter &printer, SettingAttr setting);
/// For messages.
std::string formulaText(Attribute formula);

/// What the command line or a configuration says of a size.
struct SizeChoice {
  std::string name, value;
  std::string place; // "--set d=512" or "run.toml:3:7: model.dim"
};

/// ", did you mean 'd'?" where one of `names` is like `name`.
std::string suggest(StringRef name, ArrayRef<StringRef> names);

/// Names and what they stand for. Errors are emitted as diagnostics, at the place where the model says a name.
class Sizes {
public:
  Sizes(ArrayAttr sizes, ArrayAttr settings, ArrayAttr presets, Location model);

  /// Whether no name is declared twice and presets change what is declared.
  LogicalResult check();
  /// Applies a preset, the first one for "", which may be none.
  LogicalResult choose(StringRef preset);
  LogicalResult set(const SizeChoice &choice);
  /// The preset in force; "" if there are none.
  StringRef getPreset() const { return preset; }

  /// Gives every formula in the regions its value, and every value in them its type.
  LogicalResult apply(ArrayRef<Region *> regions);

private:
  struct Entry {
    Attribute formula;
    Location place;
    bool isSize;     // a whole number
    std::string why; // of a changed one
    Attribute value; // once known: f64, or a word
    bool isAsked = false;
  };
  InFlightDiagnostic unknown(Location loc, StringRef prefix, StringRef name);
  FailureOr<Attribute> valueOf(StringRef name);
  FailureOr<Attribute> evaluate(Attribute formula, Location loc);
  FailureOr<double> number(Attribute formula, Location loc);
  FailureOr<double> combine(ArrayAttr parts, Location loc);
  /// What `sized`, an attribute of an op, is now; `name` is the attribute's.
  FailureOr<Attribute> update(SizedAttr sized, StringRef name, Location loc);
  /// Notes the values of the names in a formula.
  void explain(InFlightDiagnostic &diag, Attribute formula);

  llvm::MapVector<StringAttr, Entry> entries;
  ArrayAttr sizes, settings, presets;
  Location model;
  StringRef preset;
};

/// Replaces the formulas that are attributes of `op`, or elements of them; tells `replace` the attribute's name.
LogicalResult replaceSized(Operation *op, llvm::function_ref<FailureOr<Attribute>(SizedAttr, StringRef)> replace);

/// Infers the types of all values of `block` again, in order.
LogicalResult reinfer(Block &block);

/// Makes of formulas what they stand for: the model then has no sizes.
void makePlain(ModelOp model);

} // namespace mlir::nanochat
