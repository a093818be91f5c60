// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/TextFiles.h"

#include "runtime/Errors.h"
#include "runtime/Files.h"
#include "runtime/Philox.h"

#include <algorithm>
#include <filesystem>

namespace fs = std::filesystem;

namespace nc {

static constexpr int64_t kValidationShare = 20;

static bool hasExtension(const fs::path &path, const std::vector<std::string> &extensions) {
  return std::any_of(extensions.begin(), extensions.end(), [&](const std::string &extension) {
    return path.extension() == "." + extension;
  });
}

static std::vector<TextFile> listFolder(const TextOptions &options) {
  std::vector<TextFile> files;
  for (const fs::directory_entry &entry : fs::recursive_directory_iterator(
           options.path, fs::directory_options::skip_permission_denied))
    if (entry.is_regular_file() && hasExtension(entry.path(), options.extensions))
      files.push_back({entry.path().lexically_relative(options.path).generic_string(),
                       entry.path().string(), 0, int64_t(entry.file_size()), false});
  std::sort(files.begin(), files.end(),
            [](const TextFile &a, const TextFile &b) { return a.name < b.name; });
  if (files.empty()) {
    std::string wanted;
    for (const std::string &extension : options.extensions)
      wanted += " *." + extension;
    failInput(format("folder '%s' has no files%s", options.path.c_str(), wanted.c_str()),
              "choose other files with --ext, for example --ext rs,md");
  }
  return files;
}

static void chooseValidation(std::vector<TextFile> &files) {
  TextFile *lowest = &files[0];
  bool any = false;
  for (TextFile &file : files) {
    file.isValidation = stableHash(file.name) % kValidationShare == 0;
    any |= file.isValidation;
    if (stableHash(file.name) < stableHash(lowest->name))
      lowest = &file;
  }
  if (!any)
    lowest->isValidation = true;
}

/// Two texts of one file.
static std::vector<TextFile> cut(const std::string &path) {
  MappedFile file(path);
  std::string_view text = file.bytes();
  int64_t size = text.size(), place = size - size / kValidationShare;
  size_t line = text.find('\n', place);
  if (line != text.npos && line + 1 < text.size())
    place = line + 1;
  std::string name = fs::path(path).filename().string();
  return {{name, path, 0, place, false}, {name, path, place, size, true}};
}

std::vector<TextFile> listText(const TextOptions &options) {
  if (!fs::exists(options.path))
    failInput(format("no such file or folder: '%s'", options.path.c_str()));
  if (!fs::is_directory(options.path))
    return cut(options.path);
  std::vector<TextFile> files = listFolder(options);
  if (files.size() == 1)
    return cut(files[0].path);
  chooseValidation(files);
  return files;
}

} // namespace nc
