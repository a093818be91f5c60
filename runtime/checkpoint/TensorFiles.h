// Tensors of a safetensors file, or of several that have rows of them: "layers.q[12:24]" has those from 12 up to 24.
//
#pragma once

#include "runtime/files/Safetensors.h"
#include <memory>
#include <string>
#include <vector>

namespace nc {

/// Metadata of the first of several files: how many they are. Beside "model.safetensors" are "model-1.safetensors", ...
constexpr const char *kFiles = "files";
std::string fileOfRank(const std::string &path, int rank);
std::string rangeName(const std::string &name, int64_t first, int64_t end);

/// Whole tensors, wherever their rows are.
class TensorFiles {
public:
  struct Piece {
    const SafetensorsFile *file;
    const StoredTensor *stored;
    int64_t first, end; // elements of the whole
  };
  struct Tensor {
    std::string name;
    int32_t dtype;
    std::vector<int64_t> shape;
    std::vector<Piece> pieces; // in order, without holes
    int64_t count() const { return pieces.back().end; }
  };

  /// Fails (exit 2) as SafetensorsFile does, and where rows are missing, are there twice or disagree in their type.
  explicit TensorFiles(const std::string &path);

  const std::string &path() const { return files[0]->path(); }
  const std::vector<Tensor> &tensors() const { return all; }
  /// The tensor of that name, or null.
  const Tensor *find(const std::string &name) const;

  /// As SafetensorsFile's, of `count` elements from `first` on.
  void read(const Tensor &tensor, int64_t first, int64_t count, void *to) const;
  void visit(const Tensor &tensor, int64_t first, int64_t count,
             const std::function<void(const char *, int64_t, int64_t)> &take) const;

private:
  void add(const SafetensorsFile &file, const StoredTensor &stored);
  void join(Tensor &tensor) const;

  std::vector<std::unique_ptr<SafetensorsFile>> files;
  std::vector<Tensor> all;
};

} // namespace nc
