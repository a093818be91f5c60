// Random numbers that update rules draw, besides those of ops.
#pragma once

#include "dialect/Linalg.h"
#include "dialect/Nanochat.h"

namespace mlir::nanochat {

/// A number of `type` in [0, 1), rank 0, with 24 random bits: word 1 of element 0 of `stream` in `matrix` at `step`, of
/// which random_signs takes word 0.
Value randomUnit(ImplicitLocOpBuilder &b, Type type, Value stream, Value matrix, Value step);

} // namespace mlir::nanochat
