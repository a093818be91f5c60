#include "runtime/data/NewFolder.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace nc {

/// The path as it is without what shells complete it with.
static std::string trimmed(std::string path) {
  auto endsWith = [&](std::string_view end) {
    return path.size() > end.size() && path.compare(path.size() - end.size(), end.npos, end) == 0;
  };
  while (endsWith("/") || endsWith("/."))
    path.pop_back();
  return path;
}

/// Removes what processes that are no more left under names that begin so.
static void clearLeftovers(const std::string &folder, const std::string &prefix) {
  std::error_code problem, ignored;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end; entry.increment(problem)) {
    std::string name = entry->path().filename().string();
    if (name.rfind(prefix, 0) != 0)
      continue;
    // In a container the next process has the number of the last.
    pid_t process = atoi(name.c_str() + prefix.size());
    if (process == getpid() || (process > 0 && kill(process, 0) != 0 && errno == ESRCH))
      fs::remove_all(entry->path(), ignored);
  }
}

/// Fails unless folders can be made at or above `folder`, where something is at last.
static void checkParents(fs::path folder, const std::string &flag) {
  std::error_code ignored;
  while (!folder.empty() && !fs::exists(folder, ignored))
    folder = folder.parent_path();
  if (folder.empty())
    folder = ".";
  errno = ENOTDIR;
  if (!fs::is_directory(folder, ignored) || access(folder.c_str(), W_OK | X_OK) != 0)
    failInput(format("%s: cannot make a folder in '%s': %s", flag.c_str(), folder.c_str(), strerror(errno)));
}

/// Fails unless nothing is there, and something might be.
static void checkFree(const std::string &path, const std::string &flag) {
  struct stat status;
  if (lstat(path.c_str(), &status) == 0)
    failInput(flag + ": '" + path + "' is there already", "name a new folder, or remove it first");
  if (errno != ENOENT)
    failInput(format("%s: cannot make the folder '%s': %s", flag.c_str(), path.c_str(), strerror(errno)));
}

NewFolder::NewFolder(const std::string &given, const std::string &flag) : place(trimmed(given)) {
  if (place.empty())
    failInput(flag + ": found '', expected the name of a new folder");
  parent = fs::path(place).parent_path().string();
  if (parent.empty())
    parent = ".";
  checkParents(parent, flag);
  checkFree(place, flag);
  std::string prefix = "." + fs::path(place).filename().string() + ".";
  aside = parent + "/" + prefix + std::to_string(getpid());
  clearLeftovers(parent, prefix);
  checkFree(aside, flag); // its name is longer
}

NewFolder::~NewFolder() {
  std::error_code ignored;
  fs::remove_all(aside, ignored);
}

void NewFolder::make() {
  std::error_code problem;
  fs::create_directories(aside, problem);
  if (problem)
    failRun(format("cannot make the folder '%s': %s", aside.c_str(), problem.message().c_str()));
}

void NewFolder::publish() {
  if (rename(aside.c_str(), place.c_str()) != 0)
    failRun(format("cannot make the folder '%s': %s", place.c_str(), strerror(errno)));
  syncFolder(parent);
}

} // namespace nc
