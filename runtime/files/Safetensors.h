// The safetensors file format: 8 bytes header length (little-endian), a JSON header, tensor data.
//
// The reader is strict: whatever it returns has valid shapes, offsets and no overlap, so that
// what follows may copy without further checks.
//
#pragma once

#include "runtime/Abi.h"
#include "runtime/files/Files.h"
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace nc {

/// A dense row-major tensor to be written; `data` belongs to someone else.
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

/// A dense row-major tensor of a file.
struct StoredTensor {
  std::string name;
  int32_t dtype; // nc_dtype
  std::vector<int64_t> shape;
  int64_t begin; // in the file, in bytes; of any alignment

  int64_t bytes() const;
};

/// An open file. Its header is in memory; tensors stay where they are until they are asked for.
class SafetensorsFile {
public:
  /// Fails (exit 2), naming the file and what is wrong with it.
  explicit SafetensorsFile(const std::string &path);

  const std::vector<StoredTensor> &tensors() const { return stored; }
  /// The tensor of that name, or null.
  const StoredTensor *find(const std::string &name) const;
  const Metadata &metadata() const { return strings; }
  const std::string &path() const { return file.path(); }

  /// Fails (exit 1), naming the file, if it has lost the tensor since.
  void read(const StoredTensor &tensor, void *to) const;
  /// The same of `count` elements from element `first` on.
  void read(const StoredTensor &tensor, int64_t first, int64_t count, void *to) const;
  /// Calls `take(elements, first, count)` for one piece of the tensor after the other.
  void visit(const StoredTensor &tensor, const std::function<void(const char *, int64_t, int64_t)> &take) const;

private:
  InputFile file;
  std::vector<StoredTensor> stored; // by offset
  Metadata strings;
};

/// Writes a file whose tensors come in pieces, in any order. Fails (exit 1) if it cannot be written.
class SafetensorsWriter {
public:
  /// `tensors` need no data. The path is that of a file, not of what takes bytes only in their order.
  SafetensorsWriter(const std::string &path, const std::vector<TensorView> &tensors, const Metadata &metadata);
  /// Bytes of the tensor of that number, from its byte `at` on.
  void write(size_t tensor, int64_t at, const void *data, int64_t bytes);
  void commit() { file.commit(); }

private:
  AtomicFile file;
  std::vector<int64_t> begins; // of tensors in the file
};

/// Writes atomically, tensors in the given order. Fails (exit 1) if the file cannot be written.
void writeSafetensors(const std::string &path, const std::vector<TensorView> &tensors, const Metadata &metadata);

} // namespace nc
