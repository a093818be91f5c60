// SPDX-License-Identifier: Apache-2.0
#include "Fuzz.h"
#include "runtime/Safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return nc::fuzz::onFile(data, size, [](const std::string &path) {
    nc::SafetensorsFile file(path);
    // Views that reach beyond the file are for the address sanitizer to find.
    volatile char last = 0;
    for (const nc::TensorView &view : file.tensors())
      if (view.bytes())
        last = static_cast<const char *>(view.data)[view.bytes() - 1];
    (void)last;
  });
}
