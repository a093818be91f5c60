// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/Manifest.h"

#include "runtime/Errors.h"
#include "runtime/Files.h"

#include <nlohmann/json.hpp>

namespace nc {

using Json = nlohmann::ordered_json;

static constexpr const char *kFormat = "nanochat data 1";

static Json toJson(const Manifest::Split &split) {
  Json shards = Json::array();
  for (const Manifest::Shard &shard : split.shards)
    shards.push_back(
        {{"file", shard.file}, {"tokens", shard.tokens}, {"hash", hashText(shard.hash)}});
  return {{"tokens", split.tokens},
          {"documents", split.documents},
          {"text_bytes", split.textBytes},
          {"shards", shards}};
}

static Manifest::Split toSplit(const Json &json) {
  Manifest::Split split{json.at("tokens"), json.at("documents"), json.at("text_bytes"), {}};
  for (const Json &shard : json.at("shards")) {
    std::string file = shard.at("file");
    if (file.empty() || file.find('/') != file.npos)
      throw std::invalid_argument("shard file '" + file + "' is not a name in this folder");
    split.shards.push_back({file, shard.at("tokens"), parseHash(shard.at("hash"))});
  }
  return split;
}

void Manifest::write(const std::string &path) const {
  Json json = {{"format", kFormat},
               {"tokenizer", tokenizer},
               {"tokenizer_hash", hashText(tokenizerHash)},
               {"vocab", vocab},
               {"duplicates", duplicates},
               {"sources", sources},
               {"train", toJson(train)},
               {"validation", toJson(validation)}};
  std::string text = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

Manifest Manifest::read(const std::string &path) {
  FileContent file(path);
  try {
    Json json = Json::parse(file.bytes());
    if (json.at("format") != kFormat)
      throw std::invalid_argument("its format is " + json.at("format").dump() + ", expected \"" +
                                  kFormat + "\"");
    Manifest manifest;
    manifest.tokenizer = json.at("tokenizer");
    if (manifest.tokenizer.find('/') != std::string::npos)
      throw std::invalid_argument("tokenizer '" + manifest.tokenizer +
                                  "' is not a name in this folder");
    manifest.tokenizerHash = parseHash(json.at("tokenizer_hash"));
    manifest.vocab = json.at("vocab");
    manifest.duplicates = json.at("duplicates");
    manifest.sources = json.at("sources").get<std::vector<std::string>>();
    manifest.train = toSplit(json.at("train"));
    manifest.validation = toSplit(json.at("validation"));
    return manifest;
  } catch (const std::exception &problem) {
    failInput("'" + path + "' does not describe prepared data: " + problem.what(),
              "prepare the data again");
  }
}

} // namespace nc
