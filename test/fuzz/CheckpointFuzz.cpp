// A folder with a checkpoint of the tests' program: found, checked, resumed and gone on from, whatever is in its files.
//
// An input is two lengths of 16 bits, then manifest, model and optimizer. Hashes are put right, or no other mistake
// would be reached.
//
#include "Fuzz.h"
#include "runtime/Abi.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/files/Files.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace nc;
using Json = nlohmann::ordered_json;

namespace {

/// Where the checkpoint lies, in memory.
const std::string &folder() {
  static const std::string path = [] {
    char name[] = "/dev/shm/nanochat-fuzz-XXXXXX";
    std::string made = mkdtemp(name);
    std::filesystem::create_directories(made + "/step-00000004");
    static std::string removed = made;
    atexit([] { std::filesystem::remove_all(removed); });
    // Warnings and remarks are many.
    stdout = stderr = fopen("/dev/null", "w");
    return made;
  }();
  return path;
}

void put(const std::string &name, std::string_view content) {
  std::ofstream(folder() + "/step-00000004/" + name, std::ios::binary) << content;
}

/// The manifest with the hashes that it should have.
std::string corrected(std::string_view manifest, std::string_view model, std::string_view optimizer) {
  Json json = Json::parse(manifest, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("hash"))
    return std::string(manifest);
  std::string_view contents[] = {model, optimizer};
  if (json.contains("files") && json["files"].is_array())
    for (size_t i = 0; i < std::min<size_t>(json["files"].size(), 2); ++i)
      if (Json &file = json["files"][i]; file.is_object()) {
        file["bytes"] = contents[i].size();
        file["hash"] = hashText(hashOf(contents[i]));
      }
  json.erase("hash");
  json["hash"] = hashText(hashOf(json.dump()));
  return json.dump();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view rest(reinterpret_cast<const char *>(data), size), parts[3];
  uint16_t lengths[2];
  if (size < sizeof(lengths))
    return 0;
  memcpy(lengths, data, sizeof(lengths));
  rest.remove_prefix(sizeof(lengths));
  for (int i = 0; i < 3; ++i) {
    parts[i] = rest.substr(0, i < 2 ? lengths[i] : rest.npos);
    rest.remove_prefix(parts[i].size());
  }
  put("manifest.json", corrected(parts[0], parts[1], parts[2]));
  put("model.safetensors", parts[1]);
  put("optimizer.safetensors", parts[2]);
  static Session session(*nc_programs[0], 1);
  try {
    if (auto newest = findNewest(folder())) {
      CheckpointWriter(folder(), 1).begin(*newest, 9);
      resumeFrom(session, *newest);
    }
  } catch (const Error &) {
  }
  return 0;
}
