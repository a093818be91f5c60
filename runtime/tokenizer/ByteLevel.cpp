#include "runtime/tokenizer/ByteLevel.h"

namespace nc {

static bool isPrintable(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

std::array<unsigned char, 256> bytesInOrder() {
  std::array<unsigned char, 256> bytes;
  int next = 0;
  for (bool printable : {true, false})
    for (int byte = 0; byte < 256; ++byte)
      if (isPrintable(byte) == printable)
        bytes[next++] = byte;
  return bytes;
}

namespace {
constexpr int kCodes = 0x144; // 256 and as many more as bytes are not printable

struct Maps {
  std::array<int, 256> codeOf;
  std::array<int, kCodes> byteOf;
};
} // namespace

static const Maps maps = [] {
  Maps maps;
  maps.byteOf.fill(-1);
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    maps.codeOf[byte] = isPrintable(byte) ? byte : next++;
    maps.byteOf[maps.codeOf[byte]] = byte;
  }
  return maps;
}();

std::string bytesToText(std::string_view bytes) {
  std::string text;
  for (unsigned char byte : bytes) {
    int code = maps.codeOf[byte];
    if (code < 0x80) {
      text += char(code);
    } else {
      text += char(0xc0 | code >> 6);
      text += char(0x80 | (code & 0x3f));
    }
  }
  return text;
}

std::optional<std::string> textToBytes(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    int code = static_cast<unsigned char>(text[i]);
    if (code >= 0x80) {
      // No code of ours needs more than two bytes.
      if ((code & 0xe0) != 0xc0 || i + 1 == text.size())
        return std::nullopt;
      code = (code & 0x1f) << 6 | (text[++i] & 0x3f);
    }
    if (code >= kCodes || maps.byteOf[code] < 0)
      return std::nullopt;
    bytes += char(maps.byteOf[code]);
  }
  return bytes;
}

} // namespace nc
