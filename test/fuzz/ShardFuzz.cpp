#include "Fuzz.h"
#include "runtime/data/ShardFile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return nc::fuzz::onFile(data, size, [](const std::string &path) {
    nc::TokenStream stream;
    nc::readShard(path, 1 << 16, stream);
    std::vector<int32_t> tokens(stream.size());
    stream.copy(0, stream.size(), tokens.data());
    for (int32_t token : tokens)
      if (token < 0 || token >= 1 << 16)
        abort();
  });
}
