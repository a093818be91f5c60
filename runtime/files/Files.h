// Reading and writing whole files; a file is either the old one or the complete new one.
//
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

namespace nc {

/// A regular file that is open. Others may change it at any time; what they took away is an Error
/// then, where a mapping would end the process.
class InputFile {
public:
  /// Fails (exit 2) unless it can be read and is a regular file; never waits.
  explicit InputFile(const std::string &path);
  ~InputFile();
  InputFile(InputFile &&other) noexcept;
  InputFile(const InputFile &) = delete;
  InputFile &operator=(const InputFile &) = delete;

  const std::string &path() const { return name; }
  int64_t size() const { return status.st_size; } // when it was opened
  /// Fails (exit 1), naming the file, if it no longer has these bytes.
  void read(int64_t begin, void *to, int64_t bytes) const;
  /// Reads the bytes from `begin` on in pieces whose lengths are multiples of 8, but for the last.
  template <typename Take> void visit(int64_t begin, Take take) const;
  /// Was it written to, or its time set, since it was opened or this was last asked?
  bool isTouched();

private:
  std::string name;
  int descriptor;
  struct stat status;
};

/// What a file holds, in memory. Fails as InputFile does.
class FileContent {
public:
  explicit FileContent(const std::string &path) : FileContent(InputFile(path)) {}
  explicit FileContent(const InputFile &file) : FileContent(file, 0, file.size()) {}
  /// The bytes `begin` … `end` - 1.
  FileContent(const InputFile &file, int64_t begin, int64_t end);

  std::string_view bytes() const { return {base.get(), size}; }

private:
  std::unique_ptr<char[]> base;
  size_t size;
};

/// The one way to write an output. What is written goes to a new file beside it, of a name no other
/// process takes; `commit` makes that durable and puts it in the place of the output, whole, whoever
/// else writes there. Without a commit nothing is left; one that cannot says where it left it. Links are followed; to
/// what is no regular file, such as a device or a pipe, and to the standard streams, bytes go directly. Every failure
/// is an Error (exit 1) naming the path and the reason.
class AtomicFile {
public:
  explicit AtomicFile(const std::string &path);
  ~AtomicFile();
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;

  void write(const void *data, size_t bytes);
  void write(std::string_view bytes) { write(bytes.data(), bytes.size()); }
  /// The same to the place `begin`; not of outputs that are written directly.
  void writeAt(int64_t begin, const void *data, size_t bytes);
  void commit();

  /// The new file, for a program that writes to a path, in place of calls of `write`; such a program
  /// may replace it. Only of outputs that are not written directly.
  const std::string &aside() const { return temporary; }
  bool isDirect() const { return temporary.empty(); }

private:
  std::string path, target, temporary; // what was asked for, where links lead, the new file
  int descriptor;
};

/// Writes a whole file, as AtomicFile does.
void writeFile(const std::string &path, std::string_view content);

/// All of a file, a device or a pipe; of the standard input where `path` is "-". Fails (exit 2) if
/// it cannot be read.
std::string readInput(const std::string &path);

/// XXH3, 64 bits: tells damaged content from what was written.
uint64_t hashOf(std::string_view bytes);
/// The same of a file's bytes from `begin` on; allocates nothing.
uint64_t hashOf(const InputFile &file, int64_t begin = 0);
/// Hashes in files are 16 hexadecimal digits: JSON's numbers are doubles to many readers.
std::string hashText(uint64_t hash);
/// The hash of such a text; throws std::invalid_argument.
uint64_t parseHash(const std::string &text);

/// Keeps an open file for this process until it closes it or ends, however it ends. False if another
/// has it; true also where the file system knows no locks.
bool lockFile(int descriptor);

/// Does the path still lead to what is open?
bool isCurrent(int descriptor, const std::string &path);

/// Makes the names in a folder survive a power cut. Best effort.
void syncFolder(const std::string &path);

/// Fails (exit 2) unless `path` can be written, so that a long run does not fail at its end for a
/// mistyped folder.
void checkWritable(const std::string &path, const std::string &flag);

/// A path and what named it, such as "--log" or "the model".
struct NamedPath {
  std::string name, path;
};

/// Fails (exit 2) if an output is an input, under whatever name, or two outputs are one file; empty
/// paths are none, devices and pipes may be named twice. Outputs need not be there yet.
void checkOutputs(const std::vector<NamedPath> &inputs, const std::vector<NamedPath> &outputs);

template <typename Take> void InputFile::visit(int64_t begin, Take take) const {
  alignas(8) char piece[1 << 16];
  for (int64_t bytes; begin < size(); begin += bytes) {
    bytes = std::min<int64_t>(size() - begin, sizeof(piece));
    read(begin, piece, bytes);
    take(std::string_view(piece, bytes));
  }
}

} // namespace nc
