#include "Fuzz.h"
#include "runtime/files/Safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return nc::fuzz::onFile(data, size, [](const std::string &path) {
    nc::SafetensorsFile file(path);
    // What reaches beyond the file cannot be read.
    for (const nc::StoredTensor &tensor : file.tensors()) {
      std::vector<char> content(tensor.bytes());
      file.read(tensor, content.data());
    }
  });
}
