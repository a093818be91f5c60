// Learns the merges of a byte-level BPE tokenizer from texts (Sennrich et al., "Neural machine
// translation of rare words with subword units", ACL 2016; on bytes as in GPT-2).
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_TOKENIZER_BPETRAINER_H
#define NANOCHAT_RUNTIME_TOKENIZER_BPETRAINER_H

#include "runtime/tokenizer/Tokenizer.h"

namespace nc {

/// Merges the most frequent pair of neighbours again and again, of equally frequent ones the pair
/// with the lower ids, until there are `vocab` tokens: 256 bytes, merges and, last,
/// "<|endoftext|>". Fewer if no pair occurs twice. `pattern` is "gpt2", "gpt4" or a regular
/// expression. The same texts give the same tokenizer.
Tokenizer trainTokenizer(const std::vector<std::string_view> &texts, int32_t vocab,
                         const std::string &pattern);

} // namespace nc
#endif // NANOCHAT_RUNTIME_TOKENIZER_BPETRAINER_H
