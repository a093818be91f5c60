#include "runtime/files/Safetensors.h"
#include "runtime/program/DTypes.h"
#include <nlohmann/json.hpp>

namespace nc {

static std::string headerOf(const std::vector<TensorView> &tensors, const Metadata &metadata) {
  // Ordered, so that equal contents give equal files.
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty())
    header["__metadata__"] = metadata;
  int64_t offset = 0;
  for (const TensorView &tensor : tensors) {
    int64_t end = offset + tensor.bytes();
    header[tensor.name] = {
        {"dtype", storedName(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  // The format pads with spaces so that the data starts aligned.
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

void writeSafetensors(const std::string &path, const std::vector<TensorView> &tensors, const Metadata &metadata) {
  std::string header = headerOf(tensors, metadata);
  uint64_t length = header.size();
  AtomicFile file(path);
  file.write(&length, sizeof(length));
  file.write(header.data(), header.size());
  for (const TensorView &tensor : tensors)
    file.write(tensor.data, tensor.bytes());
  file.commit();
}

} // namespace nc
