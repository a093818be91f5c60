// The one idea of a matrix product, which fusion, costs and emitters share.
#pragma once

#include "dialect/Formats.h"

namespace mlir::nanochat {

/// A factor of a product: an input of the op, indexed by loops.
struct Factor {
  OpOperand *operand;
  AffineMap map;
  unsigned x;                // the loop of the result that the other factor lacks
  Format format;             // of its elements, which the body decodes to the type of the sum
  bool alongK;               // elements of consecutive k are contiguous, rather than of consecutive x
  Value scales;              // of blocks along k, (x, k / block) or the other way round; null where there are none
  bool scalesAlongX = false; // the other way round

  Value tensor() const { return operand->get(); }
};

/// c[m, n] = init[m, n] + Σ_k a·b; or c[s, m, n] of slices, which both factors are made of; or `block_matmul` or
/// `fp4_matmul`, which start from 0.
struct MatrixProduct {
  Operation *op;
  Factor a, b;               // that with rows of the result, and that with its columns
  unsigned m, n, k;          // loops
  std::optional<unsigned> s; // the loop over slices
  int64_t M, N, K, S = 1;    // how far they run
  Type sum;                  // of products, with scales of those of a block
  int64_t block = 0;         // how many consecutive k share a scale; 0 where none do
  int64_t limit = 128;       // the largest code of factors in bytes, but those of weights in panels

  Value result() { return op->getResult(0); }
  /// Null where it is 0.
  Value init() const {
    auto generic = dyn_cast<linalg::GenericOp>(op);
    return generic ? generic.getDpsInits()[0] : Value();
  }
  bool isFloat() const { return isa<FloatType>(sum); }
  /// Are both factors of the format, or is one?
  bool areBoth(Format format) const { return a.format == format && b.format == format; }
  bool isAny(Format format) const { return a.format == format || b.format == format; }
  /// What it computes in: that of its factors' format or, where they differ, f32 or the wider one of integers.
  Format arithmetic() const {
    const FormatFacts &ofA = factsOf(a.format), &ofB = factsOf(b.format);
    return isFloat() && a.format != b.format ? Format::f32 : (ofA.bits < ofB.bits ? ofB : ofA).arithmetic;
  }
  /// Is it one matrix, or do its slices lie one behind the other?
  bool isOfMatrices() const;
};

/// The product that `op` is, if it is one.
std::optional<MatrixProduct> matchProduct(Operation *op);

} // namespace mlir::nanochat
