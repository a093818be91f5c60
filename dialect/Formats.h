// Number formats behind one interface: how a number is stored, and what is stored stands for. A new one is a row of the
// table in Formats.cpp and a case in Formats.td.
#pragma once

#include "dialect/Nanochat.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::nanochat {

struct FormatFacts {
  Format format;
  unsigned bits;               // of an element
  Type (*storage)(Builder &b); // of elements in memory
  double largest;              // finite magnitude, to which blocks scale their largest element; 0: no blocks of it
  // Null where an element is several numbers, which pack_fp4 makes and fp4_matmul reads.
  Value (*encode)(ImplicitLocOpBuilder &b, Value number, Type storage);
  Value (*decode)(ImplicitLocOpBuilder &b, Value element, Type type);
  Format arithmetic;      // what products of such factors compute in
  StringLiteral mma = ""; // what mma.sync calls them, "" if it does not multiply them
  int64_t ptx = 0;        // the first version of PTX with that mma.sync, 84 for 8.4, where it came after the chips
  bool isDense = false;   // factors of dense products may be rounded to it: --dense

  /// Are elements decoded before they are computed with?
  bool isDecoded() const { return format != Format::f32 && format != Format::f64; }
};

const FormatFacts &factsOf(Format format);

/// The format whose elements are of `type`; none for others. int8 is the answer for every i8: who holds other codes
/// must know that from elsewhere.
std::optional<Format> formatOf(Type type);
/// The format that mma.sync calls so.
std::optional<Format> formatOfMma(StringRef name);
/// Is it a float of fewer bits than f32, which it is widened to without error?
bool isNarrowFloat(Format format);
/// What --dense may round the factors of products to, and those that blocks may have.
SmallVector<Format> denseFormats();
SmallVector<Format> blockFormats();
/// Their names, for messages: "f32, bf16 or int8".
std::string listFormats(ArrayRef<Format> formats);

/// A float as another one, scalar or vector: rounded to the nearest, half to even, or widened.
Value convertFloat(ImplicitLocOpBuilder &b, Value number, Type type);
/// A number (f32, f64) or, for integer formats, also an integer, as the nearest element of the format, half to even;
/// what lies beyond its largest has no meaning. On scalars and vectors.
Value encode(ImplicitLocOpBuilder &b, Format format, Value number);
/// What an element stands for, in `type`: f32, f64 or, for integer formats, also an integer type.
Value decode(ImplicitLocOpBuilder &b, Format format, Value element, Type type);

/// The element nearest to `number`, in the type that had.
inline Value roundTo(ImplicitLocOpBuilder &b, Format format, Value number) {
  return decode(b, format, encode(b, format, number), number.getType());
}

/// An element of a format.
struct Coded {
  Value element;
  Format format;
};
/// What `number` is decoded from; for f32 and f64, which numbers are computed in, `number` itself.
std::optional<Coded> matchDecoded(Value number);

} // namespace mlir::nanochat
