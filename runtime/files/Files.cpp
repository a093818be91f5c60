#include "runtime/files/Files.h"
#include "runtime/files/Errors.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <new>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace nc {

/// Of token files a run may need more than a process has at first.
static bool raiseFileLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
    return false;
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static int openToRead(const std::string &path) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  int descriptor = open(path.c_str(), kFlags);
  if (descriptor < 0 && errno == EMFILE && raiseFileLimit())
    descriptor = open(path.c_str(), kFlags);
  if (descriptor < 0)
    failInput(format("cannot read '%s': %s", path.c_str(), strerror(errno)),
              errno == EMFILE ? "raise the limit (ulimit -n), or make fewer token files" : "");
  return descriptor;
}

InputFile::InputFile(const std::string &path) : name(path), descriptor(openToRead(path)) {
  if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode))
    return;
  close(descriptor);
  failInput(format("'%s' is not a regular file", path.c_str()));
}

InputFile::~InputFile() {
  if (descriptor >= 0)
    close(descriptor);
}

InputFile::InputFile(InputFile &&other) noexcept
    : name(std::move(other.name)), descriptor(std::exchange(other.descriptor, -1)), status(other.status) {}

void InputFile::read(int64_t begin, void *to, int64_t bytes) const {
  for (char *next = static_cast<char *>(to); bytes > 0;) {
    ssize_t count = pread(descriptor, next, bytes, begin);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      failRun(format("cannot read '%s': %s", name.c_str(), strerror(errno)));
    if (count == 0)
      failRun(format("'%s' was cut short while it was in use: it had %lld bytes", name.c_str(), wide(size())),
              "files must stay as they are while a command reads them");
    next += count;
    begin += count;
    bytes -= count;
  }
}

bool InputFile::isTouched() {
  struct stat now;
  if (fstat(descriptor, &now) != 0)
    failRun(format("cannot read '%s': %s", name.c_str(), strerror(errno)));
  timespec before = std::exchange(status.st_mtim, now.st_mtim);
  return before.tv_sec != now.st_mtim.tv_sec || before.tv_nsec != now.st_mtim.tv_nsec;
}

FileContent::FileContent(const InputFile &file, int64_t begin, int64_t end)
    : base(new (std::nothrow) char[end - begin]), size(end - begin) {
  if (!base)
    failRun(format("not enough memory for %zu bytes of '%s'", size, file.path().c_str()));
  file.read(begin, base.get(), end - begin);
}

std::string readInput(const std::string &path) {
  bool isFile = path != "-";
  std::unique_ptr<FILE, int (*)(FILE *)> file(isFile ? fopen(path.c_str(), "re") : nullptr, fclose);
  FILE *stream = isFile ? file.get() : stdin;
  std::string text;
  char buffer[1 << 16];
  while (size_t count = stream ? fread(buffer, 1, sizeof(buffer), stream) : 0)
    text.append(buffer, count);
  if (!stream || ferror(stream))
    failInput(
        format("cannot read %s: %s", isFile ? ("'" + path + "'").c_str() : "the standard input", strerror(errno)));
  return text;
}

uint64_t hashOf(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

uint64_t hashOf(const InputFile &file, int64_t begin) {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  file.visit(begin, [&](std::string_view piece) { XXH3_64bits_update(&state, piece.data(), piece.size()); });
  return XXH3_64bits_digest(&state);
}

std::string hashText(uint64_t hash) { return format("%016llx", wide(hash)); }

uint64_t parseHash(const std::string &text) {
  if (text.size() != 16 || text.find_first_not_of("0123456789abcdef") != text.npos)
    throw std::invalid_argument("'" + text + "' is not a hash of 16 hexadecimal digits");
  return std::stoull(text, nullptr, 16);
}

} // namespace nc
