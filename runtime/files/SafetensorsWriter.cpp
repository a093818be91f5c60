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

/// Writes what comes before the data and returns how many bytes that is.
static int64_t writeHeader(AtomicFile &file, const std::vector<TensorView> &tensors, const Metadata &metadata) {
  std::string header = headerOf(tensors, metadata);
  uint64_t length = header.size();
  file.write(&length, sizeof(length));
  file.write(header.data(), header.size());
  return int64_t(sizeof(length) + header.size());
}

SafetensorsWriter::SafetensorsWriter(const std::string &path, const std::vector<TensorView> &tensors,
                                     const Metadata &metadata)
    : file(path) {
  int64_t next = writeHeader(file, tensors, metadata);
  for (const TensorView &tensor : tensors) {
    begins.push_back(next);
    next += tensor.bytes();
  }
}

void SafetensorsWriter::write(size_t tensor, int64_t at, const void *data, int64_t bytes) {
  file.writeAt(begins[tensor] + at, data, size_t(bytes));
}

void writeSafetensors(const std::string &path, const std::vector<TensorView> &tensors, const Metadata &metadata) {
  AtomicFile file(path);
  writeHeader(file, tensors, metadata);
  for (const TensorView &tensor : tensors)
    file.write(tensor.data, tensor.bytes());
  file.commit();
}

} // namespace nc
