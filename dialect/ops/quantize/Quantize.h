// What quantisers and products of codes share.
#pragma once

#include "dialect/Formats.h"

namespace mlir::nanochat {

/// Panels of weight codes: kPanelRows outputs side by side, kWord consecutive inputs of each.
inline constexpr int64_t kPanelRows = 16, kWord = 4;

/// Where the panels of a matrix (out, in) hold its element: see `pack_panels`.
AffineMap panelMap(MLIRContext *ctx, unsigned loops, unsigned out, unsigned in);

/// The dimensions that are the `out` and `in` of a panelMap.
struct Panels {
  unsigned out, in;
};
/// Whether `map` is the panelMap of two of its dimensions.
std::optional<Panels> matchPanels(AffineMap map);

/// The type (out, in) of weight codes, which may be in panels.
RankedTensorType matrixOf(Value t);

/// Where t, a matrix or in panels, holds the code of (out, in).
AffineMap codeMap(Value t, unsigned loops, unsigned out, unsigned in);

/// Are elements of the format those of codes in panels?
inline bool isOfPanels(Format format) { return format == Format::panels || format == Format::offset; }

/// The format of weight codes t.
Format formatOfCodes(Value t);

/// One scale s (N) per row of q (N, C).
LogicalResult verifyRowScales(Operation *op, Value q, Value s);

/// A scalar gamma, or one per row and group of consecutive inputs of t (out, in).
LogicalResult verifyWeightScales(Operation *op, Value t, Value gamma);

/// `group` is 0 or divides the inputs of w (out, in).
LogicalResult verifyGroup(Operation *op, int64_t group, Value w);

/// Which element of gamma scales t[out, in], for the given dimensions of `loops` loops.
AffineMap weightScaleMap(Value t, Value gamma, unsigned loops, unsigned out, unsigned in);

/// (rows, C) as (rows, groups, C/groups).
Value splitGroups(ImplicitLocOpBuilder &b, Value matrix, int64_t groups);

} // namespace mlir::nanochat
