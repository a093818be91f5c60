// Which files a data set is made of, and which of them are for validation.
//
#pragma once

#include "runtime/files/Files.h"

namespace nc {

/// A text: the bytes `begin` … `end` - 1 of a file.
struct TextFile {
  std::string name; // relative to what was listed
  std::string path;
  int64_t begin, end;
  bool isValidation;

  FileContent read() const;
};

/// What to read: a file, or a folder walked recursively for names that end in one of `extensions`
/// (without the dot).
struct TextOptions {
  std::string path;
  std::vector<std::string> extensions;
};

/// All texts, sorted by name. Every twentieth file, by a hash of its name, is for validation, at
/// least one; of a single file about the last twentieth, from a line's beginning on where one is
/// near. Fails (exit 2) if there are none.
std::vector<TextFile> listText(const TextOptions &options);

} // namespace nc
