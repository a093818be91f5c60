#include "lib/Replay/TensorFile.h"
#include "dialect/DTypes.h"
#include "dialect/Nesting.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/raw_ostream.h"
#include <cstring>

using namespace mlir;
using namespace mlir::nanochat;

LogicalResult mlir::nanochat::failUser(const Twine &error, const Twine &wayOut) {
  llvm::errs() << "error: " << error << "\nnote: " << wayOut << "\n";
  return failure();
}

static LogicalResult failRecord(const Twine &path, const Twine &reason) {
  return failUser(path + ": " + reason, "record again with PROGRAM train --steps 1 --dump-dispatches DIR");
}

FailureOr<TensorFile> TensorFile::open(const Twine &path) {
  TensorFile result;
  result.path = path.str();
  auto buffer = llvm::MemoryBuffer::getFile(result.path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return failRecord(path, buffer.getError().message());
  result.file = std::move(*buffer);
  if (failed(result.parseHeader()))
    return failure();
  return result;
}

LogicalResult TensorFile::parseHeader() {
  StringRef bytes = file->getBuffer();
  uint64_t length = bytes.size() < 8 ? ~0ull : llvm::support::endian::read64le(bytes.data());
  if (bytes.size() < 8 || length > bytes.size() - 8)
    return failRecord(path, "is not a whole safetensors file");
  if (findDeepNesting(bytes.substr(8, length)) != StringRef::npos)
    return failRecord(path, "its header nests deeper than " + Twine(kDeepestNesting) + " levels");
  auto parsed = llvm::json::parse(bytes.substr(8, length));
  if (!parsed)
    return failRecord(path, "its header is not JSON: " + llvm::toString(parsed.takeError()));
  if (!parsed->getAsObject())
    return failRecord(path, "its header is not a JSON object");
  header = std::move(*parsed->getAsObject());
  data = bytes.substr(8 + length);
  return success();
}

StringRef TensorFile::metadata(StringRef key) const {
  auto *strings = header.getObject("__metadata__");
  return strings ? strings->getString(key).value_or("") : "";
}

static std::vector<int64_t> integers(const llvm::json::Array *array) {
  std::vector<int64_t> values;
  for (size_t i = 0; array && i < array->size(); ++i)
    values.push_back((*array)[i].getAsInteger().value_or(-1));
  return values;
}

FailureOr<SmallVector<Tensor>> TensorFile::read(TypeRange types, llvm::function_ref<std::string(unsigned)> name) const {
  SmallVector<Tensor> tensors;
  for (auto [i, type] : llvm::enumerate(types)) {
    auto tensor = read(name(i), type);
    if (failed(tensor))
      return failure();
    tensors.push_back(*tensor);
  }
  return tensors;
}

FailureOr<Tensor> TensorFile::read(const Twine &name, Type type) const {
  auto tensor = cast<RankedTensorType>(type);
  const llvm::json::Object *entry = header.getObject(name.str());
  if (!entry)
    return failRecord(path, "has no tensor '" + name + "'");
  std::string expected;
  llvm::raw_string_ostream(expected) << tensor;
  auto dtype = dtypeOf(tensor.getElementType());
  if (!dtype || entry->getString("dtype") != nc::storedName(*dtype) ||
      ArrayRef<int64_t>(integers(entry->getArray("shape"))) != tensor.getShape())
    return failRecord(path, "'" + name + "' is not a " + expected + ", as this program has it");
  auto result = std::make_shared<HostTensor>(tensor);
  std::vector<int64_t> range = integers(entry->getArray("data_offsets"));
  if (range.size() != 2 || range[0] < 0 || range[1] - range[0] != result->byteSize() || range[1] > int64_t(data.size()))
    return failRecord(path, "'" + name + "' has data_offsets outside of the file");
  std::memcpy(result->data(), data.data() + range[0], result->byteSize());
  return result;
}
