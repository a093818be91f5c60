// How many tokens' logits a loss has at a time.
#pragma once

#include <cstdint>

namespace mlir::nanochat {

/// The most tokens: fewer than an eighth of them, for memory, and at most 256.
int64_t mostChunkRows(int64_t tokens);

/// Rows of a chunk of `tokens`, at most `most`. Weights are packed and their gradient is read and written for every
/// chunk, which takes as long as some 24 tokens more. Where that saves a twelfth of the time, chunks do not divide the
/// tokens: the last is filled up, for which tokens are copied.
int64_t bestChunkRows(int64_t tokens, int64_t most);

} // namespace mlir::nanochat
