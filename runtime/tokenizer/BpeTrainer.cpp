#include "runtime/tokenizer/BpeTrainer.h"
#include "runtime/tokenizer/ByteLevel.h"
#include <algorithm>
#include <queue>

namespace nc {

namespace {

using Pair = std::pair<int32_t, int32_t>;

struct PairHash {
  size_t operator()(const Pair &pair) const {
    return ((uint64_t(uint32_t(pair.first)) << 32 | uint32_t(pair.second)) * 0x9e3779b97f4a7c15u) >> 16;
  }
};

/// The distinct pieces of texts with how often they occur, and the pairs in them.
class Merger {
public:
  explicit Merger(const std::unordered_map<std::string, int64_t> &counts);
  /// The most frequent pair; nothing if none occurs twice.
  std::optional<Pair> findBest();
  /// Puts token `id` in the place of a pair, everywhere.
  void merge(Pair pair, int32_t id);

private:
  struct Word {
    std::vector<int32_t> ids;
    int64_t count;
  };
  struct Candidate {
    int64_t count;
    Pair pair;
    bool operator<(const Candidate &other) const {
      return count != other.count ? count < other.count : pair > other.pair;
    }
  };
  struct Occurrences {
    int64_t count = 0;
    std::vector<int32_t> words; // that may hold the pair; ascending while they are first collected
  };

  void addWord(std::string_view piece, int64_t count, const std::array<int32_t, 256> &idOfByte);
  void mergeIn(Word &word, Pair pair, int32_t id, std::vector<std::pair<Pair, int64_t>> &changes) const;

  std::vector<Word> words;
  std::unordered_map<Pair, Occurrences, PairHash> pairs;
  std::priority_queue<Candidate> queue;
};

} // namespace

Merger::Merger(const std::unordered_map<std::string, int64_t> &counts) {
  // In an order that depends on the texts alone.
  std::vector<std::pair<std::string_view, int64_t>> pieces(counts.begin(), counts.end());
  std::sort(pieces.begin(), pieces.end());
  std::array<int32_t, 256> idOfByte;
  int32_t next = 0;
  for (unsigned char byte : bytesInOrder())
    idOfByte[byte] = next++;
  for (auto [piece, count] : pieces)
    addWord(piece, count, idOfByte);
  for (const auto &[pair, occurrences] : pairs)
    queue.push({occurrences.count, pair});
}

void Merger::addWord(std::string_view piece, int64_t count, const std::array<int32_t, 256> &idOfByte) {
  Word word{{}, count};
  for (unsigned char byte : piece)
    word.ids.push_back(idOfByte[byte]);
  for (size_t i = 0; i + 1 < word.ids.size(); ++i) {
    Occurrences &occurrences = pairs[{word.ids[i], word.ids[i + 1]}];
    occurrences.count += count;
    if (occurrences.words.empty() || occurrences.words.back() != int32_t(words.size()))
      occurrences.words.push_back(int32_t(words.size()));
  }
  words.push_back(std::move(word));
}

void Merger::mergeIn(Word &word, Pair pair, int32_t id, std::vector<std::pair<Pair, int64_t>> &changes) const {
  std::vector<int32_t> &ids = word.ids;
  size_t kept = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    bool isPair = i + 1 < ids.size() && ids[i] == pair.first && ids[i + 1] == pair.second;
    if (!isPair) {
      ids[kept++] = ids[i];
      continue;
    }
    if (kept > 0) {
      changes.push_back({{ids[kept - 1], pair.first}, -word.count});
      changes.push_back({{ids[kept - 1], id}, word.count});
    }
    if (i + 2 < ids.size()) {
      changes.push_back({{pair.second, ids[i + 2]}, -word.count});
      changes.push_back({{id, ids[i + 2]}, word.count});
    }
    ids[kept++] = id;
    ++i;
  }
  ids.resize(kept);
}

std::optional<Pair> Merger::findBest() {
  while (!queue.empty()) {
    Candidate best = queue.top();
    queue.pop();
    auto found = pairs.find(best.pair);
    int64_t count = found == pairs.end() ? 0 : found->second.count;
    if (count == best.count)
      return count < 2 ? std::nullopt : std::optional(best.pair);
    // It became rarer since it was queued.
    if (count > 0)
      queue.push({count, best.pair});
  }
  return std::nullopt;
}

void Merger::merge(Pair pair, int32_t id) {
  std::vector<int32_t> holders = std::move(pairs[pair].words);
  pairs.erase(pair);
  std::vector<Pair> grown;
  std::vector<std::pair<Pair, int64_t>> changes;
  for (int32_t holder : holders) {
    changes.clear();
    mergeIn(words[holder], pair, id, changes);
    for (auto [neighbours, change] : changes) {
      Occurrences &occurrences = pairs[neighbours];
      occurrences.count += change;
      if (change < 0)
        continue;
      grown.push_back(neighbours);
      if (occurrences.words.empty() || occurrences.words.back() != holder)
        occurrences.words.push_back(holder);
    }
  }
  std::sort(grown.begin(), grown.end());
  grown.erase(std::unique(grown.begin(), grown.end()), grown.end());
  for (Pair neighbours : grown)
    if (int64_t count = pairs[neighbours].count; count > 0)
      queue.push({count, neighbours});
}

static std::string expressionOf(const std::string &pattern) {
  return pattern == "gpt2" ? kGpt2Pattern : pattern == "gpt4" ? kGpt4Pattern : pattern;
}

BpeTrainer::BpeTrainer(const std::string &pattern)
    : pattern(expressionOf(pattern)), splitter(this->pattern, "--pattern") {}

void BpeTrainer::add(std::string_view text) {
  for (size_t begin = 0; begin < text.size();) {
    size_t end = splitter.endOfPiece(text, begin);
    ++counts[std::string(text.substr(begin, end - begin))];
    begin = end;
  }
}

Tokenizer BpeTrainer::train(int32_t vocab) const {
  BpeModel model;
  model.pattern = pattern;
  for (unsigned char byte : bytesInOrder())
    model.tokens.emplace_back(1, char(byte));
  Merger merger(counts);
  std::unordered_map<std::string, int32_t> idOf;
  for (const std::string &token : model.tokens)
    idOf.emplace(token, int32_t(idOf.size()));
  while (int32_t(model.tokens.size()) < vocab - 1) {
    auto pair = merger.findBest();
    if (!pair)
      break;
    std::string token = model.tokens[pair->first] + model.tokens[pair->second];
    if (token == kEndOfText)
      continue;
    // Another pair may have made the same bytes before.
    auto [known, isNew] = idOf.emplace(token, int32_t(model.tokens.size()));
    if (isNew)
      model.tokens.push_back(token);
    model.merges.push_back(*pair);
    merger.merge(*pair, known->second);
  }
  model.begin = int32_t(model.tokens.size());
  model.tokens.push_back(kEndOfText);
  model.isSpecial.assign(model.tokens.size(), false);
  model.isSpecial.back() = true;
  return Tokenizer(std::move(model), "tokenizer");
}

} // namespace nc
