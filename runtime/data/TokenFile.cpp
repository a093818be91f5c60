#include "runtime/data/TokenFile.h"
#include "runtime/files/Errors.h"
#include <algorithm>
#include <cstring>

namespace nc {

template <typename Token> static uint32_t largestOf(const char *bytes, int64_t count) {
  Token most = 0;
  for (int64_t i = 0; i < count; ++i) {
    Token token;
    memcpy(&token, bytes + i * sizeof(Token), sizeof(Token));
    most = std::max(most, token);
  }
  return most;
}

static uint32_t largestOf(const char *bytes, int64_t count, int width) {
  return width == 2 ? largestOf<uint16_t>(bytes, count) : largestOf<uint32_t>(bytes, count);
}

TokenFile::TokenFile(InputFile given, int64_t offset, int width)
    : file(std::move(given)), offset(offset), width(width), knownHash(hashOf(file, offset)) {
  file.visit(offset, [&](std::string_view piece) {
    int64_t count = int64_t(piece.size()) / this->width;
    knownLargest = std::max(knownLargest, largestOf(piece.data(), count, this->width));
  });
}

uint32_t TokenFile::read(int64_t begin, int64_t count, int32_t *to) const {
  // Narrow tokens fill the second half of the memory, and spread from there over all of it.
  char *bytes = reinterpret_cast<char *>(to) + (4 - width) * count;
  file.read(offset + begin * width, bytes, count * width);
  uint32_t most = largestOf(bytes, count, width);
  for (int64_t i = 0; width == 2 && i < count; ++i) {
    uint16_t token;
    memcpy(&token, bytes + 2 * i, 2);
    to[i] = token;
  }
  return most;
}

void TokenFile::copy(int64_t begin, int64_t count, int32_t *to) const {
  uint32_t most = read(begin, count, to);
  bool isChanged = false;
  if (file.isTouched()) {
    isChanged = hashOf(file, offset) != knownHash;
    most = read(begin, count, to); // it may have been half written
  }
  if (isChanged || most > knownLargest)
    failRun("'" + file.path() + "' was changed while it was in use: its tokens are others",
            "files must stay as they are while a command reads them");
}

} // namespace nc
