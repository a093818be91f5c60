// SPDX-License-Identifier: Apache-2.0
#include "runtime/Files.h"

#include "runtime/Errors.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
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

std::string readInput(const std::string &path) {
  bool isFile = path != "-";
  std::unique_ptr<FILE, int (*)(FILE *)> file(isFile ? fopen(path.c_str(), "re") : nullptr, fclose);
  FILE *stream = isFile ? file.get() : stdin;
  std::string text;
  char buffer[1 << 16];
  while (size_t count = stream ? fread(buffer, 1, sizeof(buffer), stream) : 0)
    text.append(buffer, count);
  if (!stream || ferror(stream))
    failInput(format("cannot read %s: %s",
                     isFile ? ("'" + path + "'").c_str() : "the standard input", strerror(errno)));
  return text;
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

} // namespace nc
