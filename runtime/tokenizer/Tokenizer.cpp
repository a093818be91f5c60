#include "runtime/tokenizer/Tokenizer.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include <queue>

namespace nc {

/// What is remembered: short pieces, up to so many, because texts repeat those.
static constexpr size_t kLongestSeen = 32, kMostSeen = 1 << 20;

static uint64_t pairOf(int32_t left, int32_t right) { return uint64_t(uint32_t(left)) << 32 | uint32_t(right); }

Tokenizer::Tokenizer(BpeModel given, const std::string &name)
    : model(std::move(given)), splitter(model.pattern, name), byteIds(256, -1) {
  auto fail = [&](const std::string &reason) { failInput("'" + name + "': " + reason); };
  for (int32_t id = 0; id < size(); ++id) {
    if (model.isSpecial[id])
      continue;
    const std::string &bytes = model.tokens[id];
    if (bytes.empty() || !idOf.emplace(bytes, id).second)
      fail(format("token %d has the same bytes as another, or none", id));
    if (bytes.size() == 1)
      byteIds[static_cast<unsigned char>(bytes[0])] = id;
  }
  for (int byte = 0; byte < 256; ++byte)
    if (byteIds[byte] < 0)
      fail(format("no token for the single byte %d: not a byte-level vocabulary", byte));
  for (size_t rank = 0; rank < model.merges.size(); ++rank) {
    auto [left, right] = model.merges[rank];
    auto result = idOf.find(model.tokens[left] + model.tokens[right]);
    if (result == idOf.end() || model.isSpecial[left] || model.isSpecial[right])
      fail(format("merge %zu makes a token that is not in the vocabulary", rank));
    merges.emplace(pairOf(left, right), Merge{int32_t(rank), result->second});
  }
  modelHash = computeHash();
}

std::string_view Tokenizer::bytesOf(int32_t id) const {
  return model.isSpecial[id] ? std::string_view() : model.tokens[id];
}

void Tokenizer::encode(std::string_view text, std::vector<int32_t> &ids) {
  for (size_t begin = 0; begin < text.size();) {
    size_t end = splitter.endOfPiece(text, begin);
    encodePiece(text.substr(begin, end - begin), ids);
    begin = end;
  }
}

void Tokenizer::encodePiece(std::string_view piece, std::vector<int32_t> &ids) {
  if (piece.size() == 1) {
    ids.push_back(byteIds[static_cast<unsigned char>(piece[0])]);
    return;
  }
  if (model.takesWholePieces)
    if (auto whole = idOf.find(piece); whole != idOf.end()) {
      ids.push_back(whole->second);
      return;
    }
  if (piece.size() > kLongestSeen)
    return mergePiece(piece, ids);
  std::string key(piece);
  auto known = seen.find(key);
  if (known == seen.end()) {
    std::vector<int32_t> own;
    mergePiece(piece, own);
    if (seen.size() == kMostSeen)
      seen.clear();
    known = seen.emplace(std::move(key), std::move(own)).first;
  }
  ids.insert(ids.end(), known->second.begin(), known->second.end());
}

void Tokenizer::mergePiece(std::string_view piece, std::vector<int32_t> &ids) const {
  struct Part {
    int32_t id, previous, next; // id is -1 once it was merged into the one before
  };
  struct Candidate {
    int32_t rank, place, left, right;
    bool operator<(const Candidate &other) const {
      return std::make_pair(rank, place) > std::make_pair(other.rank, other.place);
    }
  };
  std::vector<Part> parts(piece.size());
  std::priority_queue<Candidate> queue;
  auto consider = [&](int32_t place) {
    int32_t next = place < 0 ? -1 : parts[place].next;
    if (next < 0)
      return;
    int32_t left = parts[place].id, right = parts[next].id;
    if (auto merge = merges.find(pairOf(left, right)); merge != merges.end())
      queue.push({merge->second.rank, place, left, right});
  };
  auto last = int32_t(piece.size()) - 1;
  for (int32_t i = 0; i <= last; ++i)
    parts[i] = {byteIds[static_cast<unsigned char>(piece[i])], i - 1, i < last ? i + 1 : -1};
  for (int32_t i = 0; i < last; ++i)
    consider(i);
  while (!queue.empty()) {
    Candidate best = queue.top();
    queue.pop();
    Part &part = parts[best.place];
    // Either side may have been merged with something else since.
    if (part.id != best.left || part.next < 0 || parts[part.next].id != best.right)
      continue;
    Part &gone = parts[part.next];
    part.id = merges.find(pairOf(best.left, best.right))->second.result;
    part.next = gone.next;
    gone.id = -1;
    if (part.next >= 0)
      parts[part.next].previous = best.place;
    consider(part.previous);
    consider(best.place);
  }
  for (int32_t i = 0; i >= 0; i = parts[i].next)
    ids.push_back(parts[i].id);
}

uint64_t Tokenizer::computeHash() const {
  std::string all = model.pattern + '\0' + std::to_string(model.begin) + ' ' + std::to_string(model.takesWholePieces);
  for (int32_t id = 0; id < size(); ++id)
    all += format(" %zu %d ", model.tokens[id].size(), int(model.isSpecial[id])) + model.tokens[id];
  for (auto [left, right] : model.merges)
    all += format(" %d %d", left, right);
  return hashOf(all);
}

} // namespace nc
