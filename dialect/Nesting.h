// How deep a text may nest: MLIR's parser and passes recurse, and their stack is finite.
//
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MemoryBufferRef.h"

namespace mlir::nanochat {

/// Brackets within each other, and aliases in what they stand for, that no text may exceed.
inline constexpr unsigned kDeepestNesting = 256;

/// Where a text of MLIR or JSON nests deeper, or has aliases that stand for millions of others, as an offset; npos if
/// it does not. Strings and comments do not count, bytecode is no text.
size_t findDeepNesting(llvm::StringRef text);

/// Whether it does not; else prints an error at the place.
bool checkNesting(llvm::MemoryBufferRef source);

} // namespace mlir::nanochat
