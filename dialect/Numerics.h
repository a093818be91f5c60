// What is rounded to what, decided once and read by the passes that round.
#pragma once

#include "dialect/Nanochat.h"

namespace mlir::nanochat {

/// On the module: TargetAttr and NumericsAttr.
inline constexpr StringLiteral kTargetAttr = "nanochat.target", kNumericsAttr = "nanochat.numerics";

/// What NumericsAttr says.
struct Numerics {
  BackwardFormat backward = BackwardFormat::f32, head = BackwardFormat::f32;
  std::optional<Rounding> rounding;
  Format dense = Format::f32, attention = Format::f32, floats = Format::f32;

  /// That of the module that holds `op`.
  static Numerics of(Operation *op);
  /// As NumericsAttr is written, in one word.
  std::string spell() const;
  NumericsAttr toAttr(MLIRContext *context) const {
    return NumericsAttr::get(context, backward, head, rounding, dense, attention, floats);
  }
};

} // namespace mlir::nanochat
