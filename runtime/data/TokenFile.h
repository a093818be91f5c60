// The tokens of a file, which others may change while a run reads it.
//
// A token that was checked once is checked again whenever it is read: what a kernel gets is below
// the largest token that was there at first, and a file that was written to since is compared with
// what it held.
//
#pragma once

#include "runtime/data/TokenStream.h"
#include "runtime/files/Files.h"

namespace nc {

class TokenFile : public TokenBlock {
public:
  /// Tokens of `width` bytes (2 or 4, little-endian) from `offset` on to the file's end. Reads all
  /// of them.
  TokenFile(InputFile file, int64_t offset, int width);

  int64_t size() const override { return (file.size() - offset) / width; }
  /// Fails (exit 1), naming the file, if it was changed.
  void copy(int64_t begin, int64_t count, int32_t *to) const override;
  uint64_t hash() const override { return knownHash; }
  uint32_t largest() const { return knownLargest; }

private:
  /// Reads tokens as they are in the file now, and the largest of them.
  uint32_t read(int64_t begin, int64_t count, int32_t *to) const;

  mutable InputFile file; // remembers when it was last found unchanged
  int64_t offset;
  int width;
  uint32_t knownLargest = 0;
  uint64_t knownHash;
};

} // namespace nc
