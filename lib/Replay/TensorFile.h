// The safetensors files that compiled programs write, read by the compiler.
#pragma once

#include "lib/Execution/HostTensor.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mlir::nanochat {

/// A value of a program, shared by those who read it.
using Tensor = std::shared_ptr<HostTensor>;

/// Prints an error that no location belongs to, and a way out.
LogicalResult failUser(const Twine &error, const Twine &wayOut);

class TensorFile {
public:
  /// Fails with an error that names the file and what is wrong with it.
  static FailureOr<TensorFile> open(const Twine &path);

  /// The metadata of that key; empty without one.
  StringRef metadata(StringRef key) const;
  /// A copy of the tensor of that name; fails with an error if it is missing or of another type.
  FailureOr<Tensor> read(const Twine &name, Type type) const;
  /// Those of `types`, under the names of their numbers.
  FailureOr<SmallVector<Tensor>> read(TypeRange types, llvm::function_ref<std::string(unsigned)> name) const;

private:
  LogicalResult parseHeader();

  std::string path;
  std::unique_ptr<llvm::MemoryBuffer> file;
  llvm::json::Object header;
  StringRef data;
};

} // namespace mlir::nanochat
