#ifndef NANOCHAT_FORMATS_TD
#define NANOCHAT_FORMATS_TD
include "mlir/IR/EnumAttr.td"

/// Number formats of the factors of products. Of two, the one that comes first names the arithmetic of their product.
def Format : I32EnumAttr<"Format", "a number format; its facts are in Formats.cpp", [
    I32EnumAttrCase<"bf16", 0>, I32EnumAttrCase<"e4m3", 1>, I32EnumAttrCase<"int16", 2>, I32EnumAttrCase<"int8", 3>,
    I32EnumAttrCase<"panels", 4>, I32EnumAttrCase<"f32", 5>, I32EnumAttrCase<"f64", 6>]> {
  let cppNamespace = "::mlir::nanochat";
}

#endif
