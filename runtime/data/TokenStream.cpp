// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/TokenStream.h"

#include "runtime/Files.h"

#include <algorithm>
#include <cstring>

namespace nc {

TokenStream::TokenStream(std::vector<int32_t> tokens) {
  auto owner = std::make_shared<const std::vector<int32_t>>(std::move(tokens));
  append(owner, owner->data(), sizeof(int32_t), int64_t(owner->size()));
}

void TokenStream::append(std::shared_ptr<const void> owner, const void *tokens, int width,
                         int64_t count) {
  if (count > 0)
    parts.push_back({std::move(owner), static_cast<const char *>(tokens), width, length, count});
  length += count;
}

void TokenStream::append(const TokenStream &other) {
  for (const Part &part : other.parts)
    append(part.owner, part.tokens, part.width, part.count);
}

void TokenStream::copy(int64_t begin, int64_t count, int32_t *to) const {
  if (count == 0)
    return;
  auto isAfter = [](int64_t place, const Part &part) { return place < part.begin; };
  auto part = std::upper_bound(parts.begin(), parts.end(), begin, isAfter) - 1;
  for (; count > 0; ++part) {
    int64_t first = begin - part->begin, here = std::min(count, part->count - first);
    const char *from = part->tokens + first * part->width;
    if (part->width == 4)
      memcpy(to, from, here * 4);
    for (int64_t i = 0; part->width == 2 && i < here; ++i) {
      uint16_t token;
      memcpy(&token, from + 2 * i, 2);
      to[i] = token;
    }
    begin += here;
    count -= here;
    to += here;
  }
}

uint64_t TokenStream::hash() const {
  std::string hashes;
  for (const Part &part : parts)
    hashes += hashText(hashOf({part.tokens, size_t(part.count * part.width)}));
  return hashOf(hashes);
}

} // namespace nc
