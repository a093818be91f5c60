// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/DataSet.h"

#include "runtime/Errors.h"
#include "runtime/Files.h"
#include "runtime/data/Manifest.h"
#include "runtime/data/ShardFile.h"

#include <algorithm>
#include <filesystem>

namespace fs = std::filesystem;

namespace nc {

static DataSet openPrepared(const std::string &folder, const DataSetOptions &options) {
  Manifest manifest = Manifest::read(folder + "/" + kManifestName);
  DataSet data{Vocabulary::of(Tokenizer::read(folder + "/" + manifest.tokenizer)), {}, {}};
  if (data.vocabulary.hash() != manifest.tokenizerHash)
    failInput(format("'%s/%s' is not the tokenizer that the tokens beside it were made with",
                     folder.c_str(), manifest.tokenizer.c_str()),
              "prepare the data again");
  if (data.vocabulary.size() > options.vocab)
    failInput(format("'%s' has a vocabulary of %d, the model one of %lld", folder.c_str(),
                     data.vocabulary.size(), static_cast<long long>(options.vocab)),
              format("compile the model with a vocabulary of at least %d", data.vocabulary.size()));
  for (bool isValidation : {false, true})
    for (const Manifest::Shard &shard :
         isValidation ? manifest.validation.shards : manifest.train.shards) {
      std::string path = folder + "/" + shard.file;
      ShardInfo info = readShard(path, options.vocab, isValidation ? data.validation : data.train);
      if (!info.isOurs || info.hash != shard.hash || info.tokens != shard.tokens)
        failInput(format("'%s' is not the file that %s/%s lists", path.c_str(), folder.c_str(),
                         kManifestName),
                  "prepare the data again");
    }
  return data;
}

/// Files of tokens in a folder, sorted; a file is itself.
static std::vector<std::string> listShards(const std::string &path) {
  if (!fs::is_directory(path))
    return isShard(path) ? std::vector{path} : std::vector<std::string>();
  std::vector<std::string> files;
  for (const fs::directory_entry &entry : fs::directory_iterator(path))
    if (entry.is_regular_file() && entry.path().extension() == ".bin")
      files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

static DataSet openShards(const std::vector<std::string> &files, const DataSetOptions &options) {
  // Bytes are what nobody makes token files of.
  bool isKnown = options.vocabulary.hash() != 0;
  DataSet data{isKnown ? options.vocabulary : Vocabulary::unknown(), {}, {}};
  for (const std::string &file : files) {
    bool isValidation = fs::path(file).filename().string().find("val") != std::string::npos;
    ShardInfo info = readShard(file, options.vocab, isValidation ? data.validation : data.train);
    if (info.isOurs && isKnown && info.tokenizerHash != data.vocabulary.hash())
      failInput("'" + file + "' was made with another tokenizer than the model or --tokenizer has");
  }
  return data;
}

static DataSet encodeText(const std::string &path, const DataSetOptions &options) {
  DataSet data{options.vocabulary, {}, {}};
  if (data.vocabulary.size() > options.vocab)
    failInput(format("--tokenizer: it has %d tokens, the model a vocabulary of %lld",
                     data.vocabulary.size(), static_cast<long long>(options.vocab)));
  std::vector<int32_t> tokens[2];
  for (const TextFile &text : listText({path, options.extensions})) {
    MappedFile file(text.path);
    std::vector<int32_t> &to = tokens[text.isValidation];
    if (data.vocabulary.beginToken())
      to.push_back(*data.vocabulary.beginToken());
    data.vocabulary.encode(file.bytes().substr(text.begin, text.end - text.begin), text.path, to);
  }
  data.train = TokenStream(std::move(tokens[0]));
  data.validation = TokenStream(std::move(tokens[1]));
  return data;
}

DataSet openDataSet(const std::string &path, const DataSetOptions &options) {
  if (fs::exists(path + "/" + kManifestName))
    return openPrepared(path, options);
  std::vector<std::string> shards = listShards(path);
  return shards.empty() ? encodeText(path, options) : openShards(shards, options);
}

} // namespace nc
