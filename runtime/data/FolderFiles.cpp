#include "runtime/data/FolderFiles.h"
#include "runtime/files/Errors.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace fs = std::filesystem;

namespace nc {

namespace {

class Walker {
public:
  Walker(const std::vector<std::string> &extensions, Depth depth) : extensions(extensions), depth(depth) {}

  /// Takes what is in a folder; says why if it cannot be listed. Names begin with `prefix`.
  std::error_code walk(const std::string &folder, const std::string &prefix);
  void warn(const std::string &folder) const;

  std::vector<FolderFile> files;

private:
  bool isWanted(const fs::path &path) const;
  void take(const fs::directory_entry &entry, const std::string &prefix);
  void passOver(const std::string &path, const std::string &reason);

  const std::vector<std::string> &extensions;
  Depth depth;
  int64_t passed = 0;
  std::string first; // that was passed over, and why
};

} // namespace

bool Walker::isWanted(const fs::path &path) const {
  return std::any_of(extensions.begin(), extensions.end(),
                     [&](const std::string &extension) { return path.extension() == "." + extension; });
}

void Walker::passOver(const std::string &path, const std::string &reason) {
  if (passed++ == 0)
    first = "'" + path + "': " + reason;
}

void Walker::take(const fs::directory_entry &entry, const std::string &prefix) {
  std::error_code problem;
  std::string path = entry.path().string();
  fs::file_status status = entry.status(problem);
  int64_t bytes = fs::is_regular_file(status) ? int64_t(entry.file_size(problem)) : 0;
  if (problem || !fs::exists(status)) // a link that leads nowhere is no error to the library
    passOver(path, problem ? problem.message() : strerror(ENOENT));
  else if (!fs::is_regular_file(status))
    passOver(path, "not a regular file");
  else if (access(path.c_str(), R_OK) != 0)
    passOver(path, strerror(errno));
  else
    files.push_back({prefix + entry.path().filename().string(), path, bytes});
}

std::error_code Walker::walk(const std::string &folder, const std::string &prefix) {
  std::error_code problem, ignored;
  std::vector<fs::path> folders;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end; entry.increment(problem)) {
    bool isDirectory = entry->is_directory(ignored);
    if (isDirectory && depth == Depth::Below && !entry->is_symlink(ignored))
      folders.push_back(entry->path());
    if (!isDirectory && isWanted(entry->path()))
      take(*entry, prefix);
  }
  for (const fs::path &below : folders)
    if (auto reason = walk(below.string(), prefix + below.filename().string() + "/"))
      passOver(below.string(), reason.message());
  return problem;
}

void Walker::warn(const std::string &folder) const {
  if (passed == 1)
    fprintf(stderr, "warning: passed over %s\n", first.c_str());
  if (passed > 1)
    fprintf(stderr, "warning: passed over %lld entries of '%s', such as %s\n", wide(passed), folder.c_str(),
            first.c_str());
}

bool isFolder(const std::string &path) {
  std::error_code problem;
  fs::file_status status = fs::status(path, problem);
  if (status.type() == fs::file_type::not_found)
    failInput("no such file or folder: '" + path + "'");
  if (!fs::status_known(status))
    failInput(format("cannot read '%s': %s", path.c_str(), problem.message().c_str()));
  return fs::is_directory(status);
}

std::vector<FolderFile> listFiles(const std::string &folder, const std::vector<std::string> &extensions, Depth depth) {
  Walker walker(extensions, depth);
  if (auto problem = walker.walk(folder, ""))
    failInput(format("cannot read folder '%s': %s", folder.c_str(), problem.message().c_str()));
  walker.warn(folder);
  std::sort(walker.files.begin(), walker.files.end(),
            [](const FolderFile &a, const FolderFile &b) { return a.name < b.name; });
  return std::move(walker.files);
}

} // namespace nc
