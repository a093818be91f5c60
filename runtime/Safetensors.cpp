// The reader. See SafetensorsWriter.cpp for the writer.
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/Safetensors.h"

#include "runtime/JsonReader.h"
#include "runtime/Program.h"

#include <algorithm>
#include <cstring>
#include <set>

namespace nc {

using Json = nlohmann::json;

static constexpr const char *kMetadata = "__metadata__";

namespace {

/// Turns the bytes of one file into views; every member fails with the file's name.
class HeaderReader {
public:
  HeaderReader(const std::string &path, std::string_view file) : path(path), file(file) {}

  void read(std::vector<TensorView> &views, Metadata &metadata);
  /// Needs the header alone.
  Metadata readMetadata();

private:
  [[noreturn]] void fail(const std::string &reason) const {
    failInput(format("'%s' is not a valid safetensors file: %s", path.c_str(), reason.c_str()));
  }
  std::string_view headerText();
  Json parse(std::string_view text) const;
  Metadata metadataOf(const Json &header) const;
  TensorView readTensor(const std::string &name, const Json &entry) const;
  int64_t readInteger(const std::string &name, const char *key, const Json &value) const;
  void checkCoverage(const std::vector<TensorView> &views) const;

  const std::string &path;
  std::string_view file;
  std::string_view data;
};

} // namespace

std::string_view HeaderReader::headerText() {
  uint64_t length = 0;
  if (file.size() < 8)
    fail(format("it has %zu bytes, expected at least 8", file.size()));
  memcpy(&length, file.data(), 8);
  if (length > file.size() - 8)
    fail(format("its header claims %llu bytes, %zu are there",
                static_cast<unsigned long long>(length), file.size() - 8));
  data = file.substr(8 + length);
  return file.substr(8, length);
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

Metadata HeaderReader::readMetadata() { return metadataOf(parse(headerText())); }

int64_t HeaderReader::readInteger(const std::string &name, const char *key,
                                  const Json &value) const {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > uint64_t(INT64_MAX))
    fail("tensor '" + name + "': '" + key + "' has " + value.dump() +
         ", expected an integer of at least 0");
  return value.get<int64_t>();
}

static int32_t dtypeOfName(const std::string &name) {
  static const std::map<std::string, int32_t> dtypes = {
      {"F32", NC_F32}, {"F64", NC_F64}, {"I32", NC_I32},  {"I8", NC_I8},
      {"I64", NC_I64}, {"I16", NC_I16}, {"BF16", NC_BF16}};
  auto found = dtypes.find(name);
  return found == dtypes.end() ? -1 : found->second;
}

TensorView HeaderReader::readTensor(const std::string &name, const Json &entry) const {
  auto where = "tensor '" + name + "': ";
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") ||
      !entry.contains("shape") || !entry.contains("data_offsets"))
    fail(where + "expected an object with dtype, shape and data_offsets");
  const Json &dtype = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];
  TensorView view{
      name, dtype.is_string() ? dtypeOfName(dtype.get<std::string>()) : -1, {}, nullptr};
  if (view.dtype < 0)
    fail(where + "dtype " + dtype.dump() + " is not one of F32, F64, I32, I8, I64");
  if (!shape.is_array() || !offsets.is_array() || offsets.size() != 2)
    fail(where + "expected an array 'shape' and a pair 'data_offsets'");
  int64_t bytes = dtypeBytes(view.dtype);
  for (const Json &extent : shape) {
    view.shape.push_back(readInteger(name, "shape", extent));
    if (__builtin_mul_overflow(bytes, view.shape.back(), &bytes))
      fail(where + "its shape " + shape.dump() + " is too large");
  }
  int64_t begin = readInteger(name, "data_offsets", offsets[0]);
  int64_t end = readInteger(name, "data_offsets", offsets[1]);
  if (begin > end || uint64_t(end) > data.size())
    fail(where + "data_offsets " + offsets.dump() + " do not lie in the " +
         std::to_string(data.size()) + " bytes of data");
  if (end - begin != bytes)
    fail(where + format("it has %lld bytes, its shape and dtype need %lld",
                        static_cast<long long>(end - begin), static_cast<long long>(bytes)));
  view.data = data.data() + begin;
  return view;
}

void HeaderReader::checkCoverage(const std::vector<TensorView> &views) const {
  const char *next = data.data();
  for (const TensorView &view : views) {
    auto *begin = static_cast<const char *>(view.data);
    if (begin != next)
      fail("tensor '" + view.name + "' " +
           (begin < next ? "overlaps the one before it" : "leaves a gap before it"));
    next = begin + view.bytes();
  }
  if (next != data.data() + data.size())
    fail(format("%td bytes after the last tensor", data.data() + data.size() - next));
}

void HeaderReader::read(std::vector<TensorView> &views, Metadata &metadata) {
  Json header = parse(headerText());
  metadata = metadataOf(header);
  for (const auto &[name, entry] : header.items())
    if (name != kMetadata)
      views.push_back(readTensor(name, entry));
  // Empty tensors sort before the one that starts at their offset.
  std::sort(views.begin(), views.end(), [](const TensorView &a, const TensorView &b) {
    return std::make_pair(a.data, a.bytes()) < std::make_pair(b.data, b.bytes());
  });
  checkCoverage(views);
}

int64_t TensorView::bytes() const {
  int64_t total = dtypeBytes(dtype);
  for (int64_t extent : shape)
    total *= extent;
  return total;
}

TensorView viewOf(const nc_tensor &tensor, const std::string &name, const void *data) {
  return {name, tensor.dtype, shapeOf(tensor), data};
}

Metadata readMetadata(const std::string &path) {
  InputFile file(path);
  uint64_t length = 0;
  file.read(0, &length, std::min<int64_t>(file.size(), sizeof(length)));
  // A header that claims to be longer than the file is refused with all of it.
  uint64_t rest = std::max<int64_t>(file.size() - int64_t(sizeof(length)), 0);
  FileContent start(file, 0, file.size() - int64_t(rest - std::min(rest, length)));
  return HeaderReader(path, start.bytes()).readMetadata();
}

SafetensorsFile::SafetensorsFile(const std::string &path) : filePath(path), file(path) {
  HeaderReader(path, file.bytes()).read(views, strings);
}

const TensorView *SafetensorsFile::find(const std::string &name) const {
  for (const TensorView &view : views)
    if (view.name == name)
      return &view;
  return nullptr;
}

} // namespace nc
