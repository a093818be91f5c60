// tokenizer.json of Hugging Face's library, for byte-level BPE. What would change ids and is not
// known here is refused by name.
//
#include "runtime/files/Files.h"
#include "runtime/files/JsonReader.h"
#include "runtime/tokenizer/ByteLevel.h"
#include "runtime/tokenizer/Tokenizer.h"
#include <algorithm>

namespace nc {

using Json = nlohmann::ordered_json;

static constexpr int64_t kMostTokens = 1 << 24;

namespace {

/// Reads one file; every member fails with its name.
class TokenizerReader {
public:
  explicit TokenizerReader(const std::string &name) : name(name) {}
  BpeModel read(const Json &json);

private:
  [[noreturn]] void fail(const std::string &reason) const {
    failInput("'" + name + "' is not a tokenizer.json this program knows: " + reason,
              "it takes byte-level BPE, as of GPT-2, GPT-4 or 'tokenizer train'");
  }
  const Json &member(const Json &object, const char *key) const;
  /// Fails unless a setting that would change ids is off.
  void expectOff(const Json &object, const char *key) const;
  void readSplit(const Json &part);
  void readPreTokenizer(const Json &json);
  void readTokens(const Json &vocab, const Json &added);
  void place(int64_t id, std::string bytes, bool isSpecial);
  void readMerges(const Json &merges);

  const std::string &name;
  BpeModel model;
  const Json *vocab = nullptr;
  std::vector<bool> isPlaced;
};

} // namespace

const Json &TokenizerReader::member(const Json &object, const char *key) const {
  if (!object.is_object() || !object.contains(key))
    fail(std::string("it has no '") + key + "'");
  return object[key];
}

void TokenizerReader::expectOff(const Json &object, const char *key) const {
  if (!object.contains(key))
    return;
  const Json &value = object[key];
  if (!value.is_null() && value != false && value != "" && value != 0)
    fail(std::string("'") + key + "' is " + value.dump().substr(0, 60) + ", expected it to be off");
}

void TokenizerReader::readSplit(const Json &part) {
  const Json &pattern = member(member(part, "pattern"), "Regex");
  if (member(part, "behavior") != "Isolated" || part.value("invert", false))
    fail("its Split keeps something else than isolated matches");
  if (!pattern.is_string())
    fail("its Regex is no text");
  model.pattern = pattern.get<std::string>();
}

/// ByteLevel, alone or behind a Split.
void TokenizerReader::readPreTokenizer(const Json &json) {
  Json parts = member(json, "type") == "Sequence" ? member(json, "pretokenizers") : Json::array({json});
  if (!parts.is_array() || parts.empty() || parts.size() > 2 || member(parts.back(), "type") != "ByteLevel")
    fail("its pre_tokenizer does not end in ByteLevel, after a Split or nothing");
  expectOff(parts.back(), "add_prefix_space");
  bool ownPattern = parts.back().value("use_regex", true);
  if (parts.size() == 1 && ownPattern) {
    model.pattern = kGpt2Pattern;
    return;
  }
  if (parts.size() != 2 || ownPattern || member(parts[0], "type") != "Split")
    fail("its pre_tokenizer is neither ByteLevel nor a Split and ByteLevel without its own "
         "expression");
  readSplit(parts[0]);
}

void TokenizerReader::place(int64_t id, std::string bytes, bool isSpecial) {
  if (id < 0 || id >= int64_t(isPlaced.size()))
    fail(format("id %lld, expected 0 … %zu without a gap", wide(id), isPlaced.size() - 1));
  if (isPlaced[id])
    fail(format("id %lld is given twice", wide(id)));
  isPlaced[id] = true;
  model.tokens[id] = std::move(bytes);
  model.isSpecial[id] = isSpecial;
}

void TokenizerReader::readTokens(const Json &vocab, const Json &added) {
  std::map<std::string, int64_t> special;
  std::optional<int64_t> first;
  for (const Json &token : added) {
    if (!member(token, "content").is_string() || !member(token, "id").is_number_integer())
      fail("an added token has no content or id");
    if (!token.value("special", false))
      fail("added token " + token["content"].dump() + " is not special: such tokens change ordinary text");
    auto [where, isNew] = special.emplace(token["content"].get<std::string>(), token["id"].get<int64_t>());
    if (!isNew)
      fail("added token " + token["content"].dump() + " is there twice");
    if (!first || where->first == kEndOfText)
      first = where->second;
  }
  if (!first)
    fail(std::string("it has no special token to begin texts with, such as ") + kEndOfText);
  int64_t count = special.size();
  for (const auto &[token, id] : vocab.items())
    count += !special.count(token);
  if (count > kMostTokens)
    fail(format("%lld tokens, expected at most %lld", wide(count), wide(kMostTokens)));
  model.tokens.resize(count);
  model.isSpecial.resize(count);
  isPlaced.resize(count);
  for (const auto &[token, id] : special)
    place(id, token, true);
  for (const auto &[token, id] : vocab.items()) {
    if (!id.is_number_integer())
      fail("token '" + token + "' has no id");
    if (auto known = special.find(token); known != special.end()) {
      if (known->second != id)
        fail("token '" + token + "' has two ids");
      continue;
    }
    auto bytes = textToBytes(token);
    if (!bytes)
      fail("token '" + token + "' is not written in byte-level characters");
    place(id.get<int64_t>(), *bytes, false);
  }
  model.begin = int32_t(*first);
}

void TokenizerReader::readMerges(const Json &merges) {
  std::unordered_map<std::string, int32_t> ids;
  for (const auto &[token, id] : vocab->items())
    ids.emplace(token, id.get<int32_t>());
  auto idOf = [&](const std::string &token) {
    auto found = ids.find(token);
    if (found == ids.end())
      fail("a merge of '" + token + "', which is not in the vocabulary");
    return found->second;
  };
  for (const Json &merge : merges) {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      model.merges.emplace_back(idOf(merge[0]), idOf(merge[1]));
      continue;
    }
    std::string text = merge.is_string() ? merge.get<std::string>() : "";
    size_t blank = text.find(' ');
    if (blank == text.npos)
      fail("merge " + merge.dump().substr(0, 60) + " is not a pair of tokens");
    model.merges.emplace_back(idOf(text.substr(0, blank)), idOf(text.substr(blank + 1)));
  }
}

BpeModel TokenizerReader::read(const Json &json) {
  const Json &bpe = member(json, "model");
  vocab = &member(bpe, "vocab");
  if (bpe.value("type", "BPE") != "BPE" || !vocab->is_object())
    fail("its model is not BPE");
  expectOff(json, "normalizer");
  for (const char *key : {"dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"})
    expectOff(bpe, key);
  model.takesWholePieces = bpe.value("ignore_merges", false);
  readPreTokenizer(member(json, "pre_tokenizer"));
  readTokens(*vocab, json.contains("added_tokens") ? json["added_tokens"] : Json::array());
  readMerges(member(bpe, "merges"));
  return std::move(model);
}

Tokenizer Tokenizer::parse(std::string_view text, const std::string &name) {
  std::string problem = "a member is of another type than expected";
  try {
    return Tokenizer(TokenizerReader(name).read(parseJson<Json>(text)), name);
  } catch (const std::invalid_argument &wrong) {
    problem = wrong.what();
  } catch (const Json::exception &) {
  }
  failInput("'" + name + "' is not a tokenizer.json: " + problem);
}

Tokenizer Tokenizer::read(const std::string &path) { return parse(FileContent(path).bytes(), path); }

} // namespace nc
