// Files of tokens: llm.c's .bin format, with more about them where it leaves room.
//
// 256 little-endian int32, then tokens. [0] magic 20240520 (16-bit tokens) or 20240801 (32-bit),
// [1] version 1 or 7, [2] number of tokens; ours add [3] 'NCSH', [4] vocabulary, [5] documents,
// [6, 7] hash of the tokens' bytes (XXH3, 64 bits), [8, 9] hash of the tokenizer, [10, 11] bytes of
// text. llm.c reads ours, we read its.
//
#pragma once

#include "runtime/data/TokenStream.h"
#include <string>

namespace nc {

struct ShardInfo {
  bool isOurs = false; // else only the number of tokens is known
  int64_t tokens = 0, vocab = 0, documents = 0, textBytes = 0;
  uint64_t hash = 0, tokenizerHash = 0;
};

/// Writes a shard, atomically, with 16-bit tokens if `info.vocab` allows. Sets tokens and hash.
void writeShard(const std::string &path, const std::vector<int32_t> &tokens, ShardInfo &info);

/// Appends the tokens of a shard to `stream`. Fails (exit 2), naming the file, if it is no shard,
/// truncated, changed since it was written, or has a token of `vocab` or more.
ShardInfo readShard(const std::string &path, int64_t vocab, TokenStream &stream);

/// Does the file begin as shards do?
bool isShard(const std::string &path);

} // namespace nc
