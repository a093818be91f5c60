#include "runtime/report/LogFile.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace fs = std::filesystem;

namespace nc {

/// A disk that is full stays so for a while.
static constexpr std::chrono::seconds kBetweenAttempts{1};
static constexpr size_t kMostWaiting = size_t(64) << 20;

LogFile::LogFile(const std::string &path, const std::string &option, bool isContinued) : path(path), option(option) {
  open(isContinued);
}

LogFile::~LogFile() { close(descriptor); }

static bool isRegular(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

void LogFile::open(bool isContinued) {
  do {
    if (descriptor >= 0)
      close(descriptor);
    descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor < 0)
      failInput(format("%s: cannot write '%s': %s", option.c_str(), path.c_str(), strerror(errno)));
    if (isRegular(descriptor) && !lockFile(descriptor))
      failInput(option + ": another process writes '" + path + "'",
                "one file has one run: name another, or end the other run first");
  } while (isRegular(descriptor) && !isCurrent(descriptor, path));
  isToClear = !isContinued && isRegular(descriptor);
}

void LogFile::replace(std::string_view content) {
  // What only ends sooner needs no second file, for which there may be no room.
  if (FileContent(path).bytes().substr(0, content.size()) == content &&
      ftruncate(descriptor, off_t(content.size())) == 0)
    return;
  writeFile(path, content);
  open(/*isContinued=*/true);
}

bool LogFile::flush() {
  attempted = std::chrono::steady_clock::now();
  // Only now: a run that never begins leaves the log of the former.
  if (isToClear && ftruncate(descriptor, 0) == 0)
    isToClear = false;
  while (!waiting.empty()) {
    ssize_t written = ::write(descriptor, waiting.data(), waiting.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      break;
    waiting.erase(0, written);
  }
  std::string before = std::exchange(reason, waiting.empty() ? "" : strerror(errno));
  if (!reason.empty() && before.empty())
    fprintf(stderr, "warning: cannot write '%s': %s; the run goes on, and what is missing waits in memory\n",
            path.c_str(), reason.c_str());
  return waiting.empty();
}

void LogFile::append(std::string_view record) {
  if (waiting.size() + record.size() > kMostWaiting) {
    ++lost;
    return;
  }
  bool isFailing = !waiting.empty();
  waiting += record;
  if (!isFailing || std::chrono::steady_clock::now() - attempted > kBetweenAttempts)
    flush();
}

void LogFile::restore() {
  struct stat status;
  if (fstat(descriptor, &status) != 0 || status.st_nlink > 0 || !S_ISREG(status.st_mode))
    return;
  // The open file is all that is left of it.
  std::error_code ignored;
  if (fs::path folder = fs::path(path).parent_path(); !folder.empty())
    fs::create_directories(folder, ignored);
  FileContent removed("/proc/self/fd/" + std::to_string(descriptor));
  writeFile(path, removed.bytes());
  open(/*isContinued=*/true);
  fprintf(stderr, "warning: '%s' was removed while the run went on, and is written anew\n", path.c_str());
}

void LogFile::finish() {
  bool isWhole = flush();
  restore();
  if (!isWhole || lost)
    failRun(format("'%s' is not complete: %s", path.c_str(),
                   lost ? format("%lld records were lost", wide(lost)).c_str() : reason.c_str()));
}

} // namespace nc
