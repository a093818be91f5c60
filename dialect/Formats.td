#ifndef NANOCHAT_FORMATS_TD
#define NANOCHAT_FORMATS_TD
include "mlir/IR/EnumAttr.td"

/// How numbers are stored: as floats, or as codes that a scale belongs to. The facts of each are in Formats.cpp.
/// `panels` are those of `pack_panels`; `dynamic` and `dynamic_unsigned` those of optimizer states (Dettmers et al.,
/// arXiv:2110.02861); `e8m0` is of powers of two that scale blocks (OCP MX), `e2m1` of pairs of four-bit floats in a byte,
/// `offset` of bytes without sign that are 128 more than their code.
def Format : I32EnumAttr<"Format", "a number format", [
    I32EnumAttrCase<"f64", 0>, I32EnumAttrCase<"f32", 1>, I32EnumAttrCase<"bf16", 2>, I32EnumAttrCase<"e4m3", 3>,
    I32EnumAttrCase<"int16", 4>, I32EnumAttrCase<"int8", 5>, I32EnumAttrCase<"panels", 6>,
    I32EnumAttrCase<"dynamic", 7>, I32EnumAttrCase<"dynamic_unsigned", 8>, I32EnumAttrCase<"e8m0", 9>,
    I32EnumAttrCase<"e2m1", 10>, I32EnumAttrCase<"offset", 11>]> {
  let cppNamespace = "::mlir::nanochat";
}

/// What a product of a gradient is computed in: floats, or codes of its activations' gradient by codes of the other factor.
def BackwardFormat : I32EnumAttr<"BackwardFormat", "a format of gradients", [
    I32EnumAttrCase<"f32", 0>, I32EnumAttrCase<"int16", 1>, I32EnumAttrCase<"int8", 2>, I32EnumAttrCase<"mxfp4", 3>,
    I32EnumAttrCase<"nvfp4", 4>]> {
  let cppNamespace = "::mlir::nanochat";
}

/// Those of four-bit floats in blocks.
def Fp4Format : I32EnumAttr<"Fp4Format", "a format of four-bit floats", [
    I32EnumAttrCase<"mxfp4", 3>, I32EnumAttrCase<"nvfp4", 4>]> {
  let cppNamespace = "::mlir::nanochat";
}

/// How a power of two that scales a block is rounded.
def Fp4Scale : I32EnumAttr<"Fp4Scale", "a rounding of scales", [I32EnumAttrCase<"floor", 0>, I32EnumAttrCase<"up", 1>]> {
  let cppNamespace = "::mlir::nanochat";
}

/// The products of a linear: of its gradient for activations and for weights, and its own.
def LinearGemms : I32BitEnumAttr<"LinearGemms", "products of a linear", [
    I32BitEnumAttrCaseNone<"none">, I32BitEnumAttrCaseBit<"dx", 0>, I32BitEnumAttrCaseBit<"dw", 1>, I32BitEnumAttrCaseBit<"y", 2>]> {
  let cppNamespace = "::mlir::nanochat";
  let separator = ", ";
}

/// How codes of gradients are rounded.
def Rounding : I32EnumAttr<"Rounding", "a rounding", [I32EnumAttrCase<"stochastic", 0>, I32EnumAttrCase<"nearest", 1>]> {
  let cppNamespace = "::mlir::nanochat";
}

#endif
