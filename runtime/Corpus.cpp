// SPDX-License-Identifier: Apache-2.0
#include "runtime/Corpus.h"

#include "runtime/Errors.h"
#include "runtime/Files.h"
#include "runtime/Philox.h"

#include <algorithm>
#include <filesystem>

namespace fs = std::filesystem;

namespace nc {

static constexpr uint64_t validationShare = 20;

static bool hasExtension(const fs::path &path, const std::vector<std::string> &extensions) {
  for (const std::string &extension : extensions)
    if (path.extension() == "." + extension)
      return true;
  return false;
}

static std::vector<std::string> listFolder(const CorpusOptions &options) {
  std::vector<std::string> files;
  for (const fs::directory_entry &entry : fs::recursive_directory_iterator(
           options.path, fs::directory_options::skip_permission_denied))
    if (entry.is_regular_file() && hasExtension(entry.path(), options.extensions))
      files.push_back(entry.path().lexically_relative(options.path).generic_string());
  std::sort(files.begin(), files.end());
  return files;
}

/// Relative paths; a single file is its own name.
static std::vector<std::string> listFiles(const CorpusOptions &options) {
  if (!fs::exists(options.path))
    failInput(format("no such file or folder: '%s'", options.path.c_str()));
  if (!fs::is_directory(options.path))
    return {fs::path(options.path).filename().string()};
  std::vector<std::string> files = listFolder(options);
  if (files.empty()) {
    std::string wanted;
    for (const std::string &extension : options.extensions)
      wanted += " *." + extension;
    failInput(format("folder '%s' has no files%s", options.path.c_str(), wanted.c_str()),
              "choose other files with --ext, for example --ext rs,md");
  }
  return files;
}

static void appendFile(const CorpusOptions &options, const std::string &relative,
                       TokenStream &stream) {
  bool isFolder = fs::is_directory(options.path);
  std::string path = isFolder ? (fs::path(options.path) / relative).string() : options.path;
  MappedFile file(path);
  if (options.vocab > beginToken)
    stream.push_back(beginToken);
  for (size_t i = 0; i < file.bytes().size(); ++i) {
    auto byte = static_cast<unsigned char>(file.bytes()[i]);
    if (byte >= options.vocab)
      failInput(format("'%s': byte %d at offset %zu is not below the vocabulary of %lld",
                       path.c_str(), byte, i, static_cast<long long>(options.vocab)),
                "compile the model with vocab = 257 or more to take any file");
    stream.push_back(byte);
  }
}

TokenStream readTokens(const CorpusOptions &options) {
  TokenStream stream;
  for (const std::string &file : listFiles(options))
    appendFile(options, file, stream);
  return stream;
}

static Corpus splitOneFile(const CorpusOptions &options, const std::string &file) {
  Corpus corpus;
  appendFile(options, file, corpus.train);
  auto cut = corpus.train.end() - corpus.train.size() / validationShare;
  corpus.validation.assign(cut, corpus.train.end());
  corpus.train.erase(cut, corpus.train.end());
  corpus.trainFiles = corpus.validationFiles = 1;
  return corpus;
}

Corpus readSplitCorpus(const CorpusOptions &options) {
  std::vector<std::string> files = listFiles(options);
  if (files.size() == 1)
    return splitOneFile(options, files[0]);
  auto isBefore = [](const std::string &a, const std::string &b) {
    return stableHash(a) < stableHash(b);
  };
  const std::string &lowest = *std::min_element(files.begin(), files.end(), isBefore);
  bool anyChosen = std::any_of(files.begin(), files.end(), [](const std::string &file) {
    return stableHash(file) % validationShare == 0;
  });
  Corpus corpus;
  for (const std::string &file : files) {
    bool isChosen = anyChosen ? stableHash(file) % validationShare == 0 : file == lowest;
    appendFile(options, file, isChosen ? corpus.validation : corpus.train);
    ++(isChosen ? corpus.validationFiles : corpus.trainFiles);
  }
  return corpus;
}

} // namespace nc
