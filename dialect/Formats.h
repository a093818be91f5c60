// Number formats of what is multiplied: a new one is a row of the table in Formats.cpp, a case in Formats.td, and what
// emitters make of it.
#ifndef NANOCHAT_DIALECT_FORMATS_H
#define NANOCHAT_DIALECT_FORMATS_H

#include "dialect/Nanochat.h"

namespace mlir::nanochat {

struct FormatFacts {
  Format format;
  unsigned bits;               // of an element
  StringLiteral arithmetic;    // of products of such factors, as programs report it
  Type (*storage)(Builder &b); // of elements in memory
};

const FormatFacts &factsOf(Format format);

/// The format whose elements are stored in, and mean, numbers of `type`; none for others. (Codes in panels are bytes
/// with another meaning: what reads them says so.)
std::optional<Format> formatOf(Type type);

} // namespace mlir::nanochat
#endif
