// The safetensors file format: 8 bytes header length (little-endian), a JSON header, tensor data.
//
// The reader is strict: whatever it returns has valid shapes, offsets and no overlap, so that
// what follows may copy without further checks.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_SAFETENSORS_H
#define NANOCHAT_RUNTIME_SAFETENSORS_H

#include "runtime/Abi.h"
#include "runtime/Files.h"

#include <map>
#include <string>
#include <vector>

namespace nc {

/// A dense row-major tensor; `data` belongs to someone else and may be unaligned.
struct TensorView {
  std::string name;
  int32_t dtype; // nc_dtype
  std::vector<int64_t> shape;
  const void *data;

  int64_t bytes() const;
};

/// A view of a tensor of the program at `data`, under another name.
TensorView viewOf(const nc_tensor &tensor, const std::string &name, const void *data);

using Metadata = std::map<std::string, std::string>;

/// An open file; the views live as long as it does.
class SafetensorsFile {
public:
  /// Fails (exit 2), naming the file and what is wrong with it.
  explicit SafetensorsFile(const std::string &path);

  const std::vector<TensorView> &tensors() const { return views; }
  /// The tensor of that name, or null.
  const TensorView *find(const std::string &name) const;
  const Metadata &metadata() const { return strings; }
  const std::string &path() const { return filePath; }

private:
  std::string filePath;
  FileContent file;
  std::vector<TensorView> views; // by offset
  Metadata strings;
};

/// The metadata of a file, of which only the header is read. Fails as SafetensorsFile does, but not
/// for tensors.
Metadata readMetadata(const std::string &path);

/// Writes atomically, tensors in the given order. Fails (exit 1) if the file cannot be written.
void writeSafetensors(const std::string &path, const std::vector<TensorView> &tensors,
                      const Metadata &metadata);

} // namespace nc
#endif // NANOCHAT_RUNTIME_SAFETENSORS_H
