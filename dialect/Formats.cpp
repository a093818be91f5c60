#include "dialect/Formats.h"

using namespace mlir;
using namespace mlir::nanochat;

static constexpr FormatFacts kFormats[] = {
    {Format::bf16, 16, "bf16", [](Builder &b) -> Type { return b.getBF16Type(); }},
    {Format::e4m3, 8, "e4m3", [](Builder &b) -> Type { return b.getType<Float8E4M3FNType>(); }},
    {Format::int16, 16, "int16", [](Builder &b) -> Type { return b.getI16Type(); }},
    {Format::int8, 8, "int8", [](Builder &b) -> Type { return b.getI8Type(); }},
    {Format::panels, 8, "int8", [](Builder &b) -> Type { return b.getI8Type(); }},
    {Format::f32, 32, "f32", [](Builder &b) -> Type { return b.getF32Type(); }},
    {Format::f64, 64, "f32", [](Builder &b) -> Type { return b.getF64Type(); }},
};

const FormatFacts &mlir::nanochat::factsOf(Format format) {
  return *llvm::find_if(kFormats, [&](auto &row) { return row.format == format; });
}

std::optional<Format> mlir::nanochat::formatOf(Type type) {
  Builder b(type.getContext());
  for (const FormatFacts &row : kFormats) // the first: panels come after int8
    if (row.storage(b) == type)
      return row.format;
  return std::nullopt;
}
