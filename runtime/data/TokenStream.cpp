#include "runtime/data/TokenStream.h"
#include "runtime/files/Files.h"
#include <algorithm>

namespace nc {

namespace {

class TokensInMemory : public TokenBlock {
public:
  explicit TokensInMemory(std::vector<int32_t> tokens) : tokens(std::move(tokens)) {}

  int64_t size() const override { return int64_t(tokens.size()); }
  void copy(int64_t begin, int64_t count, int32_t *to) const override {
    std::copy_n(tokens.begin() + begin, count, to);
  }
  uint64_t hash() const override { return hashOf({reinterpret_cast<const char *>(tokens.data()), tokens.size() * 4}); }

private:
  std::vector<int32_t> tokens;
};

} // namespace

TokenStream::TokenStream(std::vector<int32_t> tokens) { append(std::make_shared<TokensInMemory>(std::move(tokens))); }

void TokenStream::append(std::shared_ptr<const TokenBlock> block) {
  if (int64_t count = block->size(); count > 0) {
    parts.push_back({std::move(block), length});
    length += count;
  }
}

void TokenStream::append(const TokenStream &other) {
  for (const Part &part : other.parts)
    append(part.block);
}

void TokenStream::copy(int64_t begin, int64_t count, int32_t *to) const {
  if (count == 0)
    return;
  auto isAfter = [](int64_t place, const Part &part) { return place < part.begin; };
  auto part = std::upper_bound(parts.begin(), parts.end(), begin, isAfter) - 1;
  for (; count > 0; ++part) {
    int64_t first = begin - part->begin, here = std::min(count, part->block->size() - first);
    part->block->copy(first, here, to);
    begin += here;
    count -= here;
    to += here;
  }
}

uint64_t TokenStream::hash() const {
  std::string hashes;
  for (const Part &part : parts)
    hashes += hashText(part.block->hash());
  return hashOf(hashes);
}

} // namespace nc
