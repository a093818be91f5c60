#include "runtime/data/TextFiles.h"
#include "runtime/data/FolderFiles.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Philox.h"
#include <algorithm>
#include <filesystem>

namespace fs = std::filesystem;

namespace nc {

static constexpr int64_t kValidationShare = 20;
/// Where lines are longer, texts are cut within them.
static constexpr int64_t kLongestLine = 1 << 20;

static std::vector<TextFile> listFolder(const TextOptions &options) {
  std::vector<TextFile> files;
  for (const FolderFile &file : listFiles(options.path, options.extensions, Depth::Below))
    files.push_back({file.name, file.path, 0, file.bytes, false});
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

/// Where the last twentieth begins: at a line's beginning near there, or else at a character's.
static int64_t findCut(const InputFile &file) {
  int64_t share = file.size() / kValidationShare, place = file.size() - share;
  int64_t reach = std::min(share / 2, kLongestLine);
  FileContent around(file, place - reach, place + reach);
  std::string_view text = around.bytes();
  size_t line = text.find('\n', reach);
  if (line == text.npos)
    line = text.substr(0, reach).rfind('\n');
  if (line != text.npos)
    return place - reach + int64_t(line) + 1;
  constexpr size_t kLongestCharacter = 4; // of UTF-8
  for (size_t at = reach; at < std::min(text.size(), reach + kLongestCharacter); ++at, ++place)
    if ((text[at] & 0xc0) != 0x80)
      break;
  return place;
}

/// Two texts of one file.
static std::vector<TextFile> cut(const std::string &path) {
  InputFile file(path);
  int64_t place = findCut(file);
  std::string name = fs::path(path).filename().string();
  return {{name, path, 0, place, false}, {name, path, place, file.size(), true}};
}

FileContent TextFile::read() const { return {InputFile(path), begin, end}; }

std::vector<TextFile> listText(const TextOptions &options) {
  if (!isFolder(options.path))
    return cut(options.path);
  std::vector<TextFile> files = listFolder(options);
  if (files.size() == 1)
    return cut(files[0].path);
  chooseValidation(files);
  return files;
}

} // namespace nc
