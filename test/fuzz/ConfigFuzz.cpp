#include "Fuzz.h"
#include "runtime/config/Rules.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return nc::fuzz::onFile(data, size, [](const std::string &path) {
    nc::Config config(path, {});
    nc::checkConfig(config, {8, 2, true, false});
  });
}
