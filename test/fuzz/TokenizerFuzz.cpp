#include "Fuzz.h"
#include "runtime/tokenizer/Tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    std::string text(reinterpret_cast<const char *>(data), size);
    nc::Tokenizer tokenizer = nc::Tokenizer::parse(text, "fuzz");
    std::vector<int32_t> ids;
    tokenizer.encode(text, ids);
    std::string back;
    for (int32_t id : ids)
      back += tokenizer.bytesOf(id);
    if (back != text)
      abort();
  } catch (const nc::Error &) {
  }
  return 0;
}
