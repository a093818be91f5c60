#include "runtime/data/Manifest.h"
#include "runtime/files/Files.h"
#include "runtime/files/JsonReader.h"

namespace nc {

using Json = nlohmann::ordered_json;

static constexpr const char *kFormat = "nanochat data 1";

static Json toJson(const Manifest::Split &split) {
  Json shards = Json::array();
  for (const Manifest::Shard &shard : split.shards)
    shards.push_back({{"file", shard.file}, {"tokens", shard.tokens}, {"hash", hashText(shard.hash)}});
  return {
      {"tokens", split.tokens}, {"documents", split.documents}, {"text_bytes", split.textBytes}, {"shards", shards}};
}

static std::string nameIn(const Json &json, const char *key) {
  auto name = memberOf<std::string>(json, key);
  if (name.empty() || name.find('/') != name.npos)
    throw std::invalid_argument(format("%s '%s' is not a name in this folder", key, name.c_str()));
  return name;
}

static uint64_t hashIn(const Json &json, const char *key) { return parseHash(memberOf<std::string>(json, key)); }

static Manifest::Split toSplit(const Json &json) {
  Manifest::Split split{memberOf<int64_t>(json, "tokens"),
                        memberOf<int64_t>(json, "documents"),
                        memberOf<int64_t>(json, "text_bytes"),
                        {}};
  for (const Json &shard : memberOf<std::vector<Json>>(json, "shards"))
    split.shards.push_back({nameIn(shard, "file"), memberOf<int64_t>(shard, "tokens"), hashIn(shard, "hash")});
  return split;
}

void Manifest::write(const std::string &path) const {
  Json json = {{"format", kFormat},      {"tokenizer", tokenizer},          {"tokenizer_hash", hashText(tokenizerHash)},
               {"vocab", vocab},         {"duplicates", duplicates},        {"sources", sources},
               {"train", toJson(train)}, {"validation", toJson(validation)}};
  writeFile(path, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

static Manifest parse(const Json &json) {
  auto format = memberOf<std::string>(json, "format");
  if (format != kFormat)
    throw std::invalid_argument("its format is '" + format + "', expected '" + kFormat + "'");
  Manifest manifest;
  manifest.tokenizer = nameIn(json, "tokenizer");
  manifest.tokenizerHash = hashIn(json, "tokenizer_hash");
  manifest.vocab = memberOf<int64_t>(json, "vocab");
  manifest.duplicates = memberOf<int64_t>(json, "duplicates");
  manifest.sources = memberOf<std::vector<std::string>>(json, "sources");
  manifest.train = toSplit(memberOf<Json>(json, "train"));
  manifest.validation = toSplit(memberOf<Json>(json, "validation"));
  return manifest;
}

Manifest Manifest::read(const std::string &path) {
  FileContent file(path);
  try {
    return parse(parseJson<Json>(file.bytes()));
  } catch (const std::invalid_argument &problem) {
    failInput("'" + path + "' does not describe prepared data: " + problem.what(), "prepare the data again");
  }
}

} // namespace nc
