// Parameters that are stored in fewer bits than they are computed with: how they are read, and how new ones are
// rounded.
#pragma once

#include "dialect/StepIR.h"

namespace mlir::nanochat {

/// A parameter as it is stored: numbers of bf16, or codes of int8 with one scale for each row.
struct Stored {
  Value elements, scales; // scales: null where elements are numbers

  /// The type of the scales of codes of `type`.
  static RankedTensorType scalesOf(RankedTensorType type);
};

/// In a body: which element of a tensor of `type` this iteration is at, counting dimensions from `first` on.
Value elementNumber(ImplicitLocOpBuilder &b, RankedTensorType type, int64_t first = 0);

/// `elements`, of f32, are stored as `format` from now on, with `scales` if those are codes. What reads them computes
/// their numbers where it reads them.
void readStored(Value elements, Value scales, Format format);

/// Rounds what one entry makes of parameters, by chance: each number becomes one of its two neighbours, the nearer the
/// likelier.
class MasterRounder {
public:
  explicit MasterRounder(func::FuncOp entry) : entry(entry) {}

  /// The new parameter `value` of that name, as it is stored; a loop that stacks its matrices rounds each as it is
  /// made.
  Stored round(Value value, StringRef param, Format format);

private:
  struct Address {
    Value stream, step;
  };
  Address addressOf(StringRef param);

  static Stored rounded(ImplicitLocOpBuilder &b, Value value, Value number, const Address &address, Format format);

  func::FuncOp entry;
};

} // namespace mlir::nanochat
