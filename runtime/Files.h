// Reading and writing whole files; a file is either the old one or the complete new one.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_FILES_H
#define NANOCHAT_RUNTIME_FILES_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace nc {

/// A file mapped for reading. Fails (exit 2) if it cannot be read.
class MappedFile {
public:
  explicit MappedFile(const std::string &path);
  ~MappedFile();
  MappedFile(MappedFile &&other) noexcept;
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  std::string_view bytes() const { return {base, size}; }

private:
  const char *base = nullptr;
  size_t size = 0;
};

/// Writes into a new file beside `path`; `commit` makes it durable and then renames it over
/// `path`. Without a commit nothing is left. Every failure is an Error (exit 1) naming the path.
class AtomicFile {
public:
  explicit AtomicFile(const std::string &path);
  ~AtomicFile();
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;

  void write(const void *data, size_t bytes);
  void commit();

private:
  std::string path, temporary;
  int descriptor;
};

/// XXH3, 64 bits: tells damaged content from what was written.
uint64_t hashOf(std::string_view bytes);
/// Hashes in files are 16 hexadecimal digits: JSON's numbers are doubles to many readers.
std::string hashText(uint64_t hash);
/// The hash of such a text; throws std::invalid_argument.
uint64_t parseHash(const std::string &text);

/// Makes the names in a folder survive a power cut. Best effort.
void syncFolder(const std::string &path);

/// Fails (exit 2) unless a file can be created at `path`, so that a long run does not fail at its
/// end for a mistyped folder.
void checkWritable(const std::string &path, const std::string &flag);

} // namespace nc
#endif // NANOCHAT_RUNTIME_FILES_H
