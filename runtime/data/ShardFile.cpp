// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/ShardFile.h"

#include "runtime/Errors.h"
#include "runtime/Files.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

namespace nc {

namespace {
enum Field {
  kMagic,
  kVersion,
  kTokens,
  kMark,
  kVocab,
  kDocuments,
  kHash,
  kTokenizer = 8,
  kText = 10
};
constexpr int32_t kMagic16 = 20240520, kMagic32 = 20240801, kOurMark = 0x4853434e;
using Header = std::array<int32_t, 256>;

void putWide(Header &header, int field, uint64_t value) { memcpy(&header[field], &value, 8); }
uint64_t getWide(const Header &header, int field) {
  uint64_t value;
  memcpy(&value, &header[field], 8);
  return value;
}
} // namespace

void writeShard(const std::string &path, const std::vector<int32_t> &tokens, ShardInfo &info) {
  bool isNarrow = info.vocab <= 1 << 16;
  std::vector<uint16_t> narrow;
  if (isNarrow)
    narrow.assign(tokens.begin(), tokens.end());
  const void *data = isNarrow ? static_cast<const void *>(narrow.data()) : tokens.data();
  size_t bytes = tokens.size() * (isNarrow ? 2 : 4);
  info.isOurs = true;
  info.tokens = tokens.size();
  info.hash = hashOf({static_cast<const char *>(data), bytes});

  Header header = {};
  header[kMagic] = isNarrow ? kMagic16 : kMagic32;
  header[kVersion] = isNarrow ? 1 : 7;
  header[kTokens] = int32_t(info.tokens);
  header[kMark] = kOurMark;
  header[kVocab] = int32_t(info.vocab);
  header[kDocuments] = int32_t(info.documents);
  putWide(header, kHash, info.hash);
  putWide(header, kTokenizer, info.tokenizerHash);
  putWide(header, kText, info.textBytes);
  AtomicFile file(path);
  file.write(header.data(), sizeof(header));
  file.write(data, bytes);
  file.commit();
}

template <typename Token> static int64_t largest(const char *data, int64_t count) {
  Token most = 0;
  for (int64_t i = 0; i < count; ++i) {
    Token token;
    memcpy(&token, data + i * sizeof(Token), sizeof(Token));
    most = std::max(most, token);
  }
  return most;
}

ShardInfo readShard(const std::string &path, int64_t vocab, TokenStream &stream) {
  auto file = std::make_shared<MappedFile>(path);
  auto fail = [&](const std::string &reason, const char *note = "") {
    failInput("'" + path + "' " + reason, note);
  };
  Header header;
  std::string_view bytes = file->bytes();
  if (bytes.size() < sizeof(header))
    fail(format("is no token file: it has %zu bytes, a header needs %zu", bytes.size(),
                sizeof(header)));
  memcpy(header.data(), bytes.data(), sizeof(header));
  bool isNarrow = header[kMagic] == kMagic16 && header[kVersion] == 1;
  if (!isNarrow && !(header[kMagic] == kMagic32 && header[kVersion] == 7))
    fail(format("is no token file: magic %d and version %d, expected %d and 1, or %d and 7",
                header[kMagic], header[kVersion], kMagic16, kMagic32),
         "make token files with 'data prepare'");
  int width = isNarrow ? 2 : 4;
  ShardInfo info;
  info.tokens = header[kTokens];
  int64_t found = (bytes.size() - sizeof(header)) / width;
  if (info.tokens < 0 || found != info.tokens || (bytes.size() - sizeof(header)) % width)
    fail(format("is truncated or damaged: its header says %lld tokens, the file has %lld",
                static_cast<long long>(info.tokens), static_cast<long long>(found)),
         "prepare the data again");
  const char *tokens = bytes.data() + sizeof(header);
  if (header[kMark] == kOurMark) {
    info = {true,
            info.tokens,
            header[kVocab],
            header[kDocuments],
            int64_t(getWide(header, kText)),
            getWide(header, kHash),
            getWide(header, kTokenizer)};
    if (hashOf(bytes.substr(sizeof(header))) != info.hash)
      fail("was changed: the hash of its tokens is not the one in its header",
           "prepare the data again");
  }
  int64_t most =
      isNarrow ? largest<uint16_t>(tokens, info.tokens) : largest<uint32_t>(tokens, info.tokens);
  if (most >= vocab)
    fail(format("has token %lld, the model has %lld", static_cast<long long>(most),
                static_cast<long long>(vocab)),
         "data and model need the same tokenizer: compile the model with its vocabulary");
  stream.append(file, tokens, width, info.tokens);
  return info;
}

bool isShard(const std::string &path) {
  FILE *file = fopen(path.c_str(), "rb");
  int32_t start[2] = {};
  bool isRead = file && fread(start, sizeof(start), 1, file) == 1;
  if (file)
    fclose(file);
  return isRead &&
         ((start[0] == kMagic16 && start[1] == 1) || (start[0] == kMagic32 && start[1] == 7));
}

} // namespace nc
