// The reader. See SafetensorsWriter.cpp for the writer.
//
#include "runtime/files/Safetensors.h"
#include "runtime/files/JsonReader.h"
#include "runtime/program/Program.h"
#include <algorithm>
#include <cstring>
#include <set>

namespace nc {

using Json = nlohmann::json;

static constexpr const char *kMetadata = "__metadata__";

namespace {

/// Reads what a file says of its tensors; every member fails with the file's name.
class HeaderReader {
public:
  explicit HeaderReader(const InputFile &file) : file(file) {}

  void read(std::vector<StoredTensor> &tensors, Metadata &metadata);

private:
  [[noreturn]] void fail(const std::string &reason) const {
    failInput(format("'%s' is not a valid safetensors file: %s", file.path().c_str(), reason.c_str()));
  }
  FileContent readHeader();
  Json parse(std::string_view text) const;
  Metadata metadataOf(const Json &header) const;
  StoredTensor readTensor(const std::string &name, const Json &entry) const;
  int64_t readInteger(const std::string &name, const char *key, const Json &value) const;
  void checkCoverage(const std::vector<StoredTensor> &tensors) const;

  const InputFile &file;
  int64_t data = 0; // where tensors begin
};

} // namespace

FileContent HeaderReader::readHeader() {
  uint64_t length = 0;
  if (file.size() < 8)
    fail(format("it has %lld bytes, expected at least 8", wide(file.size())));
  file.read(0, &length, 8);
  if (length > uint64_t(file.size() - 8))
    fail(format("its header claims %llu bytes, %lld are there", wide(length), wide(file.size() - 8)));
  data = 8 + int64_t(length);
  return FileContent(file, 8, data);
}

Json HeaderReader::parse(std::string_view text) const {
  // The parser itself lets the last of two equal keys win; two readers of such a file could
  // disagree about what it holds.
  std::vector<std::set<std::string>> keys;
  auto watch = [&](int, Json::parse_event_t event, Json &value) {
    if (event == Json::parse_event_t::object_start)
      keys.emplace_back();
    if (event == Json::parse_event_t::object_end)
      keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second)
      fail("its header has the key '" + value.get<std::string>() + "' twice");
    return true;
  };
  try {
    Json header = parseJson<Json>(text, watch);
    if (!header.is_object())
      fail("its header is not a JSON object");
    return header;
  } catch (const std::invalid_argument &problem) {
    fail(std::string("its header is wrong: ") + problem.what());
  }
}

Metadata HeaderReader::metadataOf(const Json &header) const {
  Metadata metadata;
  if (!header.contains(kMetadata))
    return metadata;
  if (!header[kMetadata].is_object())
    fail("__metadata__ is not an object");
  for (const auto &[key, value] : header[kMetadata].items()) {
    if (!value.is_string())
      fail("__metadata__ '" + key + "' is not a string");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

int64_t HeaderReader::readInteger(const std::string &name, const char *key, const Json &value) const {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > uint64_t(INT64_MAX))
    fail("tensor '" + name + "': '" + key + "' has " + value.dump() + ", expected an integer of at least 0");
  return value.get<int64_t>();
}

StoredTensor HeaderReader::readTensor(const std::string &name, const Json &entry) const {
  auto where = "tensor '" + name + "': ";
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets"))
    fail(where + "expected an object with dtype, shape and data_offsets");
  const Json &dtype = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];
  auto known = dtype.is_string() ? dtypeOfStoredName(dtype.get<std::string>()) : std::nullopt;
  if (!known)
    fail(where + "dtype " + dtype.dump() + " is not one of " + listStoredNames());
  StoredTensor tensor{name, *known, {}, 0};
  if (!shape.is_array() || !offsets.is_array() || offsets.size() != 2)
    fail(where + "expected an array 'shape' and a pair 'data_offsets'");
  int64_t bytes = dtypeBytes(tensor.dtype);
  for (const Json &extent : shape) {
    tensor.shape.push_back(readInteger(name, "shape", extent));
    if (__builtin_mul_overflow(bytes, tensor.shape.back(), &bytes))
      fail(where + "its shape " + shape.dump() + " is too large");
  }
  int64_t begin = readInteger(name, "data_offsets", offsets[0]);
  int64_t end = readInteger(name, "data_offsets", offsets[1]);
  if (begin > end || end > file.size() - data)
    fail(where + "data_offsets " + offsets.dump() + " do not lie in the " + std::to_string(file.size() - data) +
         " bytes of data");
  if (end - begin != bytes)
    fail(where + format("it has %lld bytes, its shape and dtype need %lld", wide(end - begin), wide(bytes)));
  tensor.begin = data + begin;
  return tensor;
}

void HeaderReader::checkCoverage(const std::vector<StoredTensor> &tensors) const {
  int64_t next = data;
  for (const StoredTensor &tensor : tensors) {
    if (tensor.begin != next)
      fail("tensor '" + tensor.name + "' " +
           (tensor.begin < next ? "overlaps the one before it" : "leaves a gap before it"));
    next += tensor.bytes();
  }
  if (next != file.size())
    fail(format("%lld bytes after the last tensor", wide(file.size() - next)));
}

void HeaderReader::read(std::vector<StoredTensor> &tensors, Metadata &metadata) {
  Json header = parse(readHeader().bytes());
  metadata = metadataOf(header);
  for (const auto &[name, entry] : header.items())
    if (name != kMetadata)
      tensors.push_back(readTensor(name, entry));
  // Empty tensors sort before the one that starts at their offset.
  std::sort(tensors.begin(), tensors.end(), [](const StoredTensor &a, const StoredTensor &b) {
    return std::make_pair(a.begin, a.bytes()) < std::make_pair(b.begin, b.bytes());
  });
  checkCoverage(tensors);
}

static int64_t bytesOf(int32_t dtype, const std::vector<int64_t> &shape) {
  int64_t total = dtypeBytes(dtype);
  for (int64_t extent : shape)
    total *= extent;
  return total;
}

int64_t TensorView::bytes() const { return bytesOf(dtype, shape); }

int64_t StoredTensor::bytes() const { return bytesOf(dtype, shape); }

TensorView viewOf(const nc_tensor &tensor, const std::string &name, const void *data) {
  return {name, tensor.dtype, shapeOf(tensor), data};
}

SafetensorsFile::SafetensorsFile(const std::string &path) : file(path) { HeaderReader(file).read(stored, strings); }

const StoredTensor *SafetensorsFile::find(const std::string &name) const {
  for (const StoredTensor &tensor : stored)
    if (tensor.name == name)
      return &tensor;
  return nullptr;
}

void SafetensorsFile::read(const StoredTensor &tensor, void *to) const { file.read(tensor.begin, to, tensor.bytes()); }

void SafetensorsFile::read(const StoredTensor &tensor, int64_t first, int64_t count, void *to) const {
  int64_t width = dtypeBytes(tensor.dtype);
  file.read(tensor.begin + first * width, to, count * width);
}

void SafetensorsFile::visit(const StoredTensor &tensor,
                            const std::function<void(const char *, int64_t, int64_t)> &take) const {
  constexpr int64_t kPiece = 1 << 18;
  int64_t width = dtypeBytes(tensor.dtype), all = tensor.bytes() / width;
  std::vector<char> piece(std::min(all, kPiece) * width);
  for (int64_t first = 0; first < all; first += kPiece) {
    int64_t count = std::min(kPiece, all - first);
    file.read(tensor.begin + first * width, piece.data(), count * width);
    take(piece.data(), first, count);
  }
}

} // namespace nc
