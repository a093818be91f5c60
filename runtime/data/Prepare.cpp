// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/Prepare.h"

#include "runtime/Errors.h"
#include "runtime/Files.h"
#include "runtime/data/DataSet.h"
#include "runtime/data/ShardFile.h"
#include "runtime/tokenizer/BpeTrainer.h"

#include <filesystem>
#include <set>
#include <unistd.h>

namespace fs = std::filesystem;

namespace nc {

namespace {

/// A text that stays mapped.
struct Text {
  std::shared_ptr<FileContent> file;
  std::string_view bytes;
  std::string path;
  bool isValidation;
};

/// Cuts a split into shards as its texts come.
class ShardWriter {
public:
  ShardWriter(const std::string &folder, const std::string &prefix, int64_t limit,
              Manifest::Split &split, Vocabulary &vocabulary)
      : folder(folder), prefix(prefix), limit(limit), split(split), vocabulary(vocabulary) {}

  void add(const Text &text) {
    tokens.push_back(*vocabulary.beginToken());
    vocabulary.encode(text.bytes, text.path, tokens);
    ++info.documents;
    info.textBytes += text.bytes.size();
    if (int64_t(tokens.size()) >= limit)
      flush();
  }
  void flush() {
    if (tokens.empty())
      return;
    info.vocab = vocabulary.size();
    info.tokenizerHash = vocabulary.hash();
    std::string file = format("%s-%05zu.bin", prefix.c_str(), split.shards.size());
    writeShard(folder + "/" + file, tokens, info);
    split.shards.push_back({file, info.tokens, info.hash});
    split.tokens += info.tokens;
    split.documents += info.documents;
    split.textBytes += info.textBytes;
    tokens.clear();
    info = {};
  }

private:
  const std::string &folder;
  std::string prefix;
  int64_t limit;
  Manifest::Split &split;
  Vocabulary &vocabulary;
  std::vector<int32_t> tokens;
  ShardInfo info;
};

/// Removes a folder unless it was moved to where it belongs.
struct Aside {
  std::string path;
  ~Aside() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

} // namespace

static std::vector<Text> readTexts(const PrepareOptions &options, int64_t &duplicates) {
  std::vector<Text> texts;
  std::set<std::pair<uint64_t, size_t>> seen;
  for (const std::string &source : options.sources)
    for (const TextFile &text : listText({source, options.extensions})) {
      auto file = std::make_shared<FileContent>(text.path);
      std::string_view bytes = file->bytes().substr(text.begin, text.end - text.begin);
      if (seen.emplace(hashOf(bytes), bytes.size()).second)
        texts.push_back({file, bytes, text.path, text.isValidation});
      else
        ++duplicates;
    }
  return texts;
}

static Tokenizer makeTokenizer(const PrepareOptions &options, const std::vector<Text> &texts) {
  if (!options.tokenizer.empty())
    return Tokenizer::read(options.tokenizer);
  std::vector<std::string_view> training;
  for (const Text &text : texts)
    if (!text.isValidation)
      training.push_back(text.bytes);
  printf("learning %lld tokens from %zu texts\n", static_cast<long long>(options.vocab),
         training.size());
  return trainTokenizer(training, int32_t(options.vocab), options.pattern);
}

static void printSplit(const char *name, const Manifest::Split &split) {
  printf("%-11s %12lld tokens  %8lld texts  %12lld bytes  %.2f bytes per token\n", name,
         static_cast<long long>(split.tokens), static_cast<long long>(split.documents),
         static_cast<long long>(split.textBytes),
         split.tokens ? double(split.textBytes) / split.tokens : 0);
}

Manifest prepareData(const PrepareOptions &options) {
  if (fs::exists(options.output))
    failInput("'" + options.output + "' is there already", "name a new folder, or remove it first");
  Manifest manifest;
  manifest.sources = options.sources;
  std::vector<Text> texts = readTexts(options, manifest.duplicates);
  Vocabulary vocabulary = Vocabulary::of(makeTokenizer(options, texts));
  Aside aside{options.output + ".tmp" + std::to_string(getpid())};
  std::error_code problem;
  if (!fs::create_directories(aside.path, problem))
    failRun(
        format("cannot make the folder '%s': %s", aside.path.c_str(), problem.message().c_str()));

  manifest.tokenizer = "tokenizer.json";
  manifest.tokenizerHash = vocabulary.hash();
  manifest.vocab = vocabulary.size();
  ShardWriter train(aside.path, "train", options.shardTokens, manifest.train, vocabulary);
  ShardWriter validation(aside.path, "val", options.shardTokens, manifest.validation, vocabulary);
  for (const Text &text : texts)
    (text.isValidation ? validation : train).add(text);
  train.flush();
  validation.flush();
  AtomicFile tokenizer(aside.path + "/" + manifest.tokenizer);
  std::string content = vocabulary.tokenizerText();
  tokenizer.write(content.data(), content.size());
  tokenizer.commit();
  manifest.write(aside.path + "/" + kManifestName);
  fs::rename(aside.path, options.output, problem);
  if (problem)
    failRun(format("cannot make the folder '%s': %s", options.output.c_str(),
                   problem.message().c_str()));

  printSplit("training", manifest.train);
  printSplit("validation", manifest.validation);
  if (manifest.duplicates)
    printf("%lld texts were left out: the same bytes were there before\n",
           static_cast<long long>(manifest.duplicates));
  return manifest;
}

} // namespace nc
