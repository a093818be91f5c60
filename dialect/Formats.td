#ifndef NANOCHAT_FORMATS_TD
#define NANOCHAT_FORMATS_TD
include "mlir/IR/EnumAttr.td"

/// How numbers are stored: as floats, or as codes that a scale belongs to. The facts of each are in Formats.cpp.
/// `panels` are those of `pack_panels`; `dynamic` and `dynamic_unsigned` those of optimizer states (Dettmers et al.,
/// arXiv:2110.02861).
def Format : I32EnumAttr<"Format", "a number format", [
    I32EnumAttrCase<"f64", 0>, I32EnumAttrCase<"f32", 1>, I32EnumAttrCase<"bf16", 2>, I32EnumAttrCase<"e4m3", 3>,
    I32EnumAttrCase<"int16", 4>, I32EnumAttrCase<"int8", 5>, I32EnumAttrCase<"panels", 6>,
    I32EnumAttrCase<"dynamic", 7>, I32EnumAttrCase<"dynamic_unsigned", 8>]> {
  let cppNamespace = "::mlir::nanochat";
}

#endif
