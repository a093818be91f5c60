#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace fs = std::filesystem;

namespace nc {

static void failWrite(const std::string &path) {
  failRun(format("cannot write '%s': %s", path.c_str(), strerror(errno)));
}

static std::optional<struct stat> statusOf(const std::string &path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 ? std::optional(status) : std::nullopt;
}

static bool isSame(const struct stat &a, const struct stat &b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

/// The standard stream that it is, -1 for all else. Messages go on there, which in a replaced file
/// would be lost.
static int standardStream(const struct stat &status) {
  for (int stream : {STDOUT_FILENO, STDERR_FILENO})
    if (struct stat open; fstat(stream, &open) == 0 && isSame(open, status))
      return stream;
  return -1;
}

/// Bytes go there as they come, for nothing can take its place.
static bool isDirectly(const struct stat &status) { return !S_ISREG(status.st_mode) || standardStream(status) >= 0; }

static int openDirectly(const std::string &path, const struct stat &status) {
  fflush(nullptr); // what was printed before stays before
  int stream = standardStream(status);
  return stream >= 0 ? fcntl(stream, F_DUPFD_CLOEXEC, 3) : open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
}

/// Where links lead, also where nothing is at their end yet.
static std::string followed(const std::string &path) {
  fs::path place = path;
  std::error_code problem;
  for (int links = 0; links < 40 && fs::is_symlink(place, problem); ++links) {
    fs::path next = fs::read_symlink(place, problem);
    if (problem)
      break;
    place = next.is_absolute() ? next : place.parent_path() / next;
  }
  return place.string();
}

static std::string folderOf(const std::string &path) {
  std::string folder = fs::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

/// Opens a new file in `folder` and says its name, which is short whatever the output is called.
static int openAside(const std::string &folder, std::string &name) {
  static std::atomic<int> count = 0;
  int descriptor;
  do {
    name = format("%s/.nanochat-%d-%d.tmp", folder.c_str(), int(getpid()), count++);
    descriptor = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor < 0 && errno == EEXIST);
  return descriptor;
}

AtomicFile::AtomicFile(const std::string &path) : path(path), target(followed(path)) {
  auto status = statusOf(path);
  if (status && isDirectly(*status)) {
    descriptor = openDirectly(path, *status);
  } else {
    if (std::error_code ignored; fs::is_symlink(target, ignored)) { // links that go in a circle
      errno = ELOOP;
      failWrite(path);
    }
    descriptor = openAside(folderOf(target), temporary);
    if (descriptor >= 0 && status) // who may read it does not change
      (void)!fchmod(descriptor, status->st_mode & 07777);
  }
  if (descriptor < 0)
    failWrite(path);
}

AtomicFile::~AtomicFile() {
  if (descriptor < 0)
    return;
  close(descriptor);
  if (!isDirect())
    unlink(temporary.c_str());
}

/// Writes all of it by `put(from, bytes)`, which may write a part.
template <typename Put> static void writeAll(const std::string &path, const void *data, size_t bytes, Put put) {
  for (const char *next = static_cast<const char *>(data); bytes > 0;) {
    ssize_t written = put(next, bytes);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      failWrite(path);
    next += written;
    bytes -= size_t(written);
  }
}

void AtomicFile::write(const void *data, size_t bytes) {
  writeAll(path, data, bytes, [&](const char *next, size_t left) { return ::write(descriptor, next, left); });
}

void AtomicFile::writeAt(int64_t begin, const void *data, size_t bytes) {
  writeAll(path, data, bytes, [&](const char *next, size_t left) {
    return pwrite(descriptor, next, left, begin + (next - static_cast<const char *>(data)));
  });
}

void AtomicFile::commit() {
  // Devices and pipes have nothing to keep.
  if (fsync(descriptor) != 0 && !(isDirect() && (errno == EINVAL || errno == ENOTSUP)))
    failWrite(path);
  if (!isDirect() && rename(temporary.c_str(), target.c_str()) != 0) {
    std::string reason = strerror(errno);
    close(std::exchange(descriptor, -1)); // the work of hours, maybe: it stays
    failRun("cannot write '" + path + "': " + reason, "what it was to hold is in '" + temporary + "'");
  }
  if (close(std::exchange(descriptor, -1)) != 0)
    failWrite(path);
  if (!isDirect())
    syncFolder(folderOf(target));
}

void writeFile(const std::string &path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

bool isCurrent(int descriptor, const std::string &path) {
  auto there = statusOf(path);
  struct stat here;
  return there && fstat(descriptor, &here) == 0 && isSame(*there, here);
}

bool lockFile(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK; }

void syncFolder(const std::string &path) {
  int folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0)
    return;
  fsync(folder);
  close(folder);
}

void checkWritable(const std::string &path, const std::string &flag) {
  auto fail = [&](const std::string &what) {
    failInput(flag + ": " + what, "name a file in a folder that exists and may be written");
  };
  auto status = statusOf(path);
  if (status && S_ISDIR(status->st_mode))
    fail("'" + path + "' is a folder, expected a file");
  if (!path.empty() && path.back() == '/')
    fail("'" + path + "' names a folder, expected a file");
  if (status && isDirectly(*status)) {
    if (access(path.c_str(), W_OK) != 0)
      fail(format("cannot write '%s': %s", path.c_str(), strerror(errno)));
    return;
  }
  fs::path end = followed(path);
  std::string folder = folderOf(end.string());
  if (long longest = pathconf(folder.c_str(), _PC_NAME_MAX);
      longest > 0 && end.filename().native().size() > size_t(longest))
    fail(format("the name '%s' is longer than %ld bytes", end.filename().c_str(), longest));
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    fail(format("cannot create files in '%s': %s", folder.c_str(), strerror(errno)));
}

/// Do both lead to one file, or would they once it is there?
static bool isOneFile(const std::string &a, const std::string &b) {
  auto first = statusOf(a), second = statusOf(b);
  if (first && second)
    return S_ISREG(first->st_mode) && isSame(*first, *second);
  std::error_code ignored;
  return !first && !second && fs::weakly_canonical(followed(a), ignored) == fs::weakly_canonical(followed(b), ignored);
}

void checkOutputs(const std::vector<NamedPath> &inputs, const std::vector<NamedPath> &outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    const NamedPath &output = outputs[i];
    auto isIt = [&](const NamedPath &other) {
      return !output.path.empty() && !other.path.empty() && isOneFile(output.path, other.path);
    };
    for (const NamedPath &input : inputs)
      if (isIt(input))
        failInput(format("%s: '%s' is also what %s reads, and would be written over", output.name.c_str(),
                         output.path.c_str(), input.name.c_str()),
                  "name another file to write");
    for (size_t k = 0; k < i; ++k)
      if (isIt(outputs[k]))
        failInput(format("%s and %s both name '%s'", outputs[k].name.c_str(), output.name.c_str(), output.path.c_str()),
                  "each output needs a file of its own");
  }
}

} // namespace nc
