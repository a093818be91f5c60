#ifndef NANOCHAT_OPS_SIZES_TD
#define NANOCHAT_OPS_SIZES_TD
include "dialect/Nanochat.td"

// How a model says its numbers by names. A formula is an attribute: a number, a name (string), or an array of an
// operation ("*", "/", "sqrt", "max", "min", "up") and its operands, which are formulas.

def Nanochat_SizedAttr : AttrDef<Nanochat_Dialect, "Sized"> {
  let mnemonic = "sized";
  let summary = "A formula of a model's sizes, and its value";
  let description = [{
    Stands where ops have counts and numbers: `heads = heads`, `dim = d / heads`. Within a model that declares sizes the
    value is that of the sizes in force; elsewhere it is none that an op takes.
  }];
  let parameters = (ins "::mlir::Attribute":$formula, "::mlir::Attribute":$value);
  let hasCustomAssemblyFormat = 1;
}

def Nanochat_SettingAttr : AttrDef<Nanochat_Dialect, "Setting"> {
  let mnemonic = "setting";
  let summary = "A name and what it stands for";
  let description = [{ A formula, or, of a preset, an array of settings. The place is that in the text of the model. }];
  let parameters = (ins "::mlir::StringAttr":$name, "::mlir::Attribute":$value, "::mlir::LocationAttr":$place);
  let hasCustomAssemblyFormat = 1;
}

def Settings : TypedArrayAttrBase<Nanochat_SettingAttr, "settings">;

#endif // NANOCHAT_OPS_SIZES_TD
