// SPDX-License-Identifier: Apache-2.0
#include "runtime/Files.h"

#include "runtime/Errors.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace nc {

MappedFile::MappedFile(const std::string &path) {
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    failInput(format("cannot read '%s': %s", path.c_str(), strerror(errno)));
  struct stat status;
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    failInput(format("'%s' is not a regular file", path.c_str()));
  }
  size = status.st_size;
  void *memory = size ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0) : nullptr;
  close(descriptor);
  if (memory == MAP_FAILED)
    failInput(format("cannot read '%s': %s", path.c_str(), strerror(errno)));
  base = static_cast<const char *>(memory);
}

MappedFile::~MappedFile() {
  if (base)
    munmap(const_cast<char *>(base), size);
}

MappedFile::MappedFile(MappedFile &&other) noexcept
    : base(std::exchange(other.base, nullptr)), size(std::exchange(other.size, 0)) {}

static std::string folderOf(const std::string &path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

static void failWrite(const std::string &path) {
  failRun(format("cannot write '%s': %s", path.c_str(), strerror(errno)));
}

AtomicFile::AtomicFile(const std::string &path)
    : path(path), temporary(path + ".tmp" + std::to_string(getpid())) {
  descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0)
    failWrite(path);
}

AtomicFile::~AtomicFile() {
  if (descriptor < 0)
    return;
  close(descriptor);
  unlink(temporary.c_str());
}

void AtomicFile::write(const void *data, size_t bytes) {
  for (const char *next = static_cast<const char *>(data); bytes > 0;) {
    ssize_t written = ::write(descriptor, next, bytes);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      failWrite(path);
    next += written;
    bytes -= written;
  }
}

void AtomicFile::commit() {
  if (fsync(descriptor) != 0 || rename(temporary.c_str(), path.c_str()) != 0)
    failWrite(path);
  close(std::exchange(descriptor, -1));
  syncFolder(folderOf(path));
}

void syncFolder(const std::string &path) {
  int folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0)
    return;
  fsync(folder);
  close(folder);
}

uint64_t hashOf(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string hashText(uint64_t hash) {
  return format("%016llx", static_cast<unsigned long long>(hash));
}

uint64_t parseHash(const std::string &text) {
  if (text.size() != 16 || text.find_first_not_of("0123456789abcdef") != text.npos)
    throw std::invalid_argument("'" + text + "' is not a hash of 16 hexadecimal digits");
  return std::stoull(text, nullptr, 16);
}

void checkWritable(const std::string &path, const std::string &flag) {
  std::string folder = folderOf(path);
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    failInput(format("%s: cannot create files in '%s': %s", flag.c_str(), folder.c_str(),
                     strerror(errno)));
  if (std::filesystem::is_directory(path))
    failInput(format("%s: '%s' is a folder, expected a file", flag.c_str(), path.c_str()));
  // A rename would put a file in the place of a device or pipe.
  if (std::filesystem::is_other(path))
    failInput(
        format("%s: '%s' is no regular file, it would be replaced", flag.c_str(), path.c_str()));
}

} // namespace nc
