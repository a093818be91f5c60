#include "runtime/data/ShardFile.h"
#include "runtime/data/TokenFile.h"
#include "runtime/files/Errors.h"
#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

namespace nc {

namespace {
enum Field { kMagic, kVersion, kTokens, kMark, kVocab, kDocuments, kHash, kTokenizer = 8, kText = 10 };
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
  assert(tokens.size() <= INT32_MAX && "the header counts to there");
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

/// 2 or 4 for the beginning of a shard, 0 for anything else.
static int widthOf(const Header &header) {
  if (header[kMagic] == kMagic16 && header[kVersion] == 1)
    return 2;
  return header[kMagic] == kMagic32 && header[kVersion] == 7 ? 4 : 0;
}

static ShardInfo infoOf(const Header &header) {
  if (header[kMark] != kOurMark)
    return {false, header[kTokens]};
  return {true,
          header[kTokens],
          header[kVocab],
          header[kDocuments],
          int64_t(getWide(header, kText)),
          getWide(header, kHash),
          getWide(header, kTokenizer)};
}

/// Opens what follows the header, which fits the file.
static std::shared_ptr<TokenFile> openTokens(InputFile file, const Header &header, int width) {
  std::string path = file.path();
  int64_t bytes = file.size() - int64_t(sizeof(header)), expected = header[kTokens];
  if (bytes != expected * width)
    failInput(format("'%s' is truncated or damaged: its header says %lld tokens, the file has %lld", path.c_str(),
                     wide(expected), wide(bytes / width)),
              "prepare the data again");
  auto tokens = std::make_shared<TokenFile>(std::move(file), sizeof(header), width);
  if (ShardInfo info = infoOf(header); info.isOurs && tokens->hash() != info.hash)
    failInput("'" + path + "' was changed: the hash of its tokens is not the one in its header",
              "prepare the data again");
  return tokens;
}

ShardInfo readShard(const std::string &path, int64_t vocab, TokenStream &stream) {
  InputFile file(path);
  Header header;
  if (file.size() < int64_t(sizeof(header)))
    failInput(format("'%s' is no token file: it has %lld bytes, a header needs %zu", path.c_str(), wide(file.size()),
                     sizeof(header)));
  file.read(0, header.data(), sizeof(header));
  int width = widthOf(header);
  if (width == 0)
    failInput(format("'%s' is no token file: magic %d and version %d, expected %d and 1, or %d "
                     "and 7",
                     path.c_str(), header[kMagic], header[kVersion], kMagic16, kMagic32),
              "make token files with 'data prepare'");
  auto tokens = openTokens(std::move(file), header, width);
  if (tokens->largest() >= vocab)
    failInput(format("'%s' has token %u, the model has %lld", path.c_str(), tokens->largest(), wide(vocab)),
              "data and model need the same tokenizer: compile the model with its vocabulary");
  stream.append(tokens);
  return infoOf(header);
}

bool isShard(const std::string &path) {
  InputFile file(path);
  Header header = {};
  file.read(0, header.data(), std::min<int64_t>(file.size(), sizeof(header)));
  return widthOf(header) != 0;
}

} // namespace nc
