#include "runtime/data/Prepare.h"
#include "runtime/data/DataSet.h"
#include "runtime/data/NewFolder.h"
#include "runtime/data/ShardFile.h"
#include "runtime/files/Errors.h"
#include "runtime/tokenizer/BpeTrainer.h"
#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace nc {

namespace {

/// Cuts a split into shards of `limit` tokens as its texts come; long texts go on in the next.
class ShardWriter {
public:
  ShardWriter(const std::string &folder, const std::string &prefix, int64_t limit, Manifest::Split &split,
              Vocabulary &vocabulary)
      : folder(folder), prefix(prefix), limit(limit), split(split), vocabulary(vocabulary) {}

  void add(const TextFile &text) {
    FileContent content = text.read();
    tokens.push_back(*vocabulary.beginToken());
    vocabulary.encode(content.bytes(), text.path, tokens);
    ++info.documents;
    info.textBytes += content.bytes().size();
    auto next = tokens.begin();
    for (; tokens.end() - next >= limit; next += limit)
      write({next, next + limit});
    tokens.erase(tokens.begin(), next);
  }
  void finish() {
    if (!tokens.empty())
      write(std::exchange(tokens, {}));
  }

private:
  void write(const std::vector<int32_t> &shard) {
    info.vocab = vocabulary.size();
    info.tokenizerHash = vocabulary.hash();
    std::string file = format("%s-%05zu.bin", prefix.c_str(), split.shards.size());
    writeShard(folder + "/" + file, shard, info);
    split.shards.push_back({file, info.tokens, info.hash});
    split.tokens += info.tokens;
    split.documents += info.documents;
    split.textBytes += info.textBytes;
    info = {};
  }

  const std::string &folder;
  std::string prefix;
  int64_t limit;
  Manifest::Split &split;
  Vocabulary &vocabulary;
  std::vector<int32_t> tokens; // not yet written
  ShardInfo info;              // of the texts that began in them
};

} // namespace

/// The texts of all sources, each once. `trainer`, if any, learns from those for training.
static std::vector<TextFile> readTexts(const PrepareOptions &options, BpeTrainer *trainer, int64_t &duplicates) {
  std::vector<TextFile> texts;
  std::set<std::pair<uint64_t, size_t>> seen;
  for (const std::string &source : options.sources)
    for (const TextFile &text : listText({source, options.extensions})) {
      FileContent content = text.read();
      if (!seen.emplace(hashOf(content.bytes()), content.bytes().size()).second) {
        ++duplicates;
        continue;
      }
      texts.push_back(text);
      if (trainer && !text.isValidation)
        trainer->add(content.bytes());
    }
  return texts;
}

static Tokenizer learn(const BpeTrainer &trainer, int64_t vocab, const std::vector<TextFile> &texts) {
  auto count = std::count_if(texts.begin(), texts.end(), [](const TextFile &text) { return !text.isValidation; });
  printf("learning %lld tokens from %td texts\n", wide(vocab), count);
  return trainer.train(int32_t(vocab));
}

static void writeFolder(const std::string &folder, const std::vector<TextFile> &texts, Tokenizer tokenizer,
                        int64_t shardTokens, Manifest &manifest) {
  manifest.tokenizer = "tokenizer.json";
  tokenizer.write(folder + "/" + manifest.tokenizer);
  Vocabulary vocabulary = Vocabulary::of(std::move(tokenizer));
  manifest.tokenizerHash = vocabulary.hash();
  manifest.vocab = vocabulary.size();
  ShardWriter train(folder, "train", shardTokens, manifest.train, vocabulary);
  ShardWriter validation(folder, "val", shardTokens, manifest.validation, vocabulary);
  for (const TextFile &text : texts)
    (text.isValidation ? validation : train).add(text);
  train.finish();
  validation.finish();
  manifest.write(folder + "/" + kManifestName);
}

/// Fails (exit 1) unless what was written can be read, with every token that was counted.
static void readBack(const std::string &folder, const Manifest &manifest) {
  std::string reason = "it has another number of tokens";
  try {
    DataSet data = openDataSet(folder, {{}, Vocabulary::unknown(), manifest.vocab});
    if (data.train.size() == manifest.train.tokens && data.validation.size() == manifest.validation.tokens)
      return;
  } catch (const Error &problem) {
    reason = problem.what();
  }
  failRun("what was written cannot be read back: " + reason);
}

static void printSplit(const char *name, const Manifest::Split &split) {
  printf("%-11s %12lld tokens  %8lld texts  %12lld bytes  %.2f bytes per token\n", name, wide(split.tokens),
         wide(split.documents), wide(split.textBytes), split.tokens ? double(split.textBytes) / split.tokens : 0);
}

Manifest prepareData(const PrepareOptions &options) {
  NewFolder folder(options.output, "--output");
  Manifest manifest;
  manifest.sources = options.sources;
  BpeTrainer trainer(options.pattern);
  std::optional<Tokenizer> tokenizer;
  if (!options.tokenizer.empty())
    tokenizer = Tokenizer::read(options.tokenizer);
  std::vector<TextFile> texts = readTexts(options, tokenizer ? nullptr : &trainer, manifest.duplicates);
  if (!tokenizer)
    tokenizer = learn(trainer, options.vocab, texts);
  folder.make();
  writeFolder(folder.hidden(), texts, std::move(*tokenizer), options.shardTokens, manifest);
  readBack(folder.hidden(), manifest);
  folder.publish();

  printSplit("training", manifest.train);
  printSplit("validation", manifest.validation);
  if (manifest.duplicates)
    printf("%lld texts were left out: the same bytes were there before\n", wide(manifest.duplicates));
  return manifest;
}

} // namespace nc
