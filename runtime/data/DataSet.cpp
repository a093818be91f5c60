#include "runtime/data/DataSet.h"
#include "runtime/data/FolderFiles.h"
#include "runtime/data/Manifest.h"
#include "runtime/data/ShardFile.h"
#include "runtime/files/Errors.h"
#include <algorithm>
#include <filesystem>
#include <regex>

namespace fs = std::filesystem;

namespace nc {

static DataSet openPrepared(const std::string &folder, const DataSetOptions &options) {
  Manifest manifest = Manifest::read(folder + "/" + kManifestName);
  std::string tokenizer = folder + "/" + manifest.tokenizer;
  DataSet data{Vocabulary::of(Tokenizer::read(tokenizer)), {}, {}, {folder + "/" + kManifestName, tokenizer}};
  if (data.vocabulary.hash() != manifest.tokenizerHash)
    failInput(format("'%s/%s' is not the tokenizer that the tokens beside it were made with", folder.c_str(),
                     manifest.tokenizer.c_str()),
              "prepare the data again");
  if (data.vocabulary.size() > options.vocab)
    failInput(format("'%s' has a vocabulary of %d, the model one of %lld", folder.c_str(), data.vocabulary.size(),
                     wide(options.vocab)),
              format("compile the model with a vocabulary of at least %d", data.vocabulary.size()));
  for (bool isValidation : {false, true})
    for (const Manifest::Shard &shard : isValidation ? manifest.validation.shards : manifest.train.shards) {
      std::string path = folder + "/" + shard.file;
      data.files.push_back(path);
      ShardInfo info = readShard(path, options.vocab, isValidation ? data.validation : data.train);
      if (!info.isOurs || info.hash != shard.hash || info.tokens != shard.tokens)
        failInput(format("'%s' is not the file that %s/%s lists", path.c_str(), folder.c_str(), kManifestName),
                  "prepare the data again");
    }
  return data;
}

/// Other programs have files of that name too; ours say early whose they are, and what is damaged is
/// known by what lies beside it.
static bool isPrepared(const std::string &folder) {
  std::string path = folder + "/" + kManifestName;
  std::error_code nothingThere;
  if (!fs::is_regular_file(path, nothingThere))
    return false;
  if (fs::exists(folder + "/tokenizer.json", nothingThere) && fs::exists(folder + "/train-00000.bin", nothingThere))
    return true;
  InputFile file(path);
  FileContent start(file, 0, std::min<int64_t>(file.size(), 200));
  return start.bytes().find("\"nanochat ") != std::string_view::npos;
}

/// Is "val", "valid" or "validation" a part of the name, between whatever is no letter?
static bool isValidationName(const std::string &path) {
  static const std::regex part("(^|[^a-z])val(id(ation)?)?([^a-z]|$)", std::regex::icase);
  return std::regex_search(fs::path(path).filename().string(), part);
}

static DataSet openShards(const std::vector<std::string> &files, const DataSetOptions &options) {
  // Bytes are what nobody makes token files of.
  bool isKnown = options.vocabulary.hash() != 0;
  uint64_t tokenizer = options.vocabulary.hash();
  DataSet data{isKnown ? options.vocabulary : Vocabulary::unknown(), {}, {}, files};
  for (const std::string &file : files) {
    ShardInfo info = readShard(file, options.vocab, isValidationName(file) ? data.validation : data.train);
    if (!info.isOurs)
      continue;
    if (tokenizer != 0 && info.tokenizerHash != tokenizer)
      failInput("'" + file + "' was made with another tokenizer than " +
                (isKnown ? "the model or --tokenizer has" : "the token files before it"));
    tokenizer = info.tokenizerHash;
  }
  return data;
}

static DataSet encodeText(const std::string &path, const DataSetOptions &options) {
  DataSet data{options.vocabulary, {}, {}, {}, true};
  if (data.vocabulary.isUnknown())
    failInput("'" + path + "' is text, and the tokenizer of the tokens it goes with is not known",
              "name that tokenizer with --tokenizer");
  if (data.vocabulary.size() > options.vocab)
    failInput(format("the tokenizer for '%s' has %d tokens, the model a vocabulary of %lld", path.c_str(),
                     data.vocabulary.size(), wide(options.vocab)));
  std::vector<int32_t> tokens[2];
  for (const TextFile &text : listText({path, options.extensions})) {
    data.files.push_back(text.path);
    std::vector<int32_t> &to = tokens[text.isValidation];
    if (data.vocabulary.beginToken())
      to.push_back(*data.vocabulary.beginToken());
    data.vocabulary.encode(text.read().bytes(), text.path, to);
  }
  data.train = TokenStream(std::move(tokens[0]));
  data.validation = TokenStream(std::move(tokens[1]));
  return data;
}

/// A folder that is not prepared: token files if it has any, else texts.
static DataSet openFolder(const std::string &folder, const DataSetOptions &options) {
  std::vector<std::string> files;
  int64_t shards = 0;
  for (const FolderFile &file : listFiles(folder, {"bin"}, Depth::Here)) {
    files.push_back(file.path);
    shards += isShard(file.path);
  }
  auto warn = [&](const char *what) { fprintf(stderr, "warning: '%s' %s\n", folder.c_str(), what); };
  if (shards > 0 && !listFiles(folder, options.extensions, Depth::Below).empty())
    warn("has token files and texts: only the token files are read");
  if (shards > 0) // a file among them that is none is refused
    return openShards(files, options);
  bool areTexts = std::count(options.extensions.begin(), options.extensions.end(), "bin");
  if (!files.empty() && !areTexts)
    warn("has .bin files that are no token files: they are passed over");
  return encodeText(folder, options);
}

DataSet openDataSet(const std::string &path, const DataSetOptions &options) {
  if (isFolder(path))
    return isPrepared(path) ? openPrepared(path, options) : openFolder(path, options);
  // Tokens of other programs, without a header, must not be taken for a text.
  bool isTokens = fs::path(path).extension() == ".bin" || isShard(path);
  return isTokens ? openShards({path}, options) : encodeText(path, options);
}

} // namespace nc
