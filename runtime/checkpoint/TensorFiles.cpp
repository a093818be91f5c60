#include "runtime/checkpoint/TensorFiles.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Numbers.h"
#include "runtime/program/DTypes.h"
#include <algorithm>
#include <filesystem>
#include <optional>

namespace nc {

std::string fileOfRank(const std::string &path, int rank) {
  std::filesystem::path file = path;
  if (rank > 0)
    file.replace_filename(file.stem().string() + format("-%d", rank) + file.extension().string());
  return file.string();
}

std::string rangeName(const std::string &name, int64_t first, int64_t end) {
  return format("%s[%lld:%lld]", name.c_str(), wide(first), wide(end));
}

namespace {
struct Range {
  std::string name;
  int64_t first, end;
};
} // namespace

/// What a name that rangeName makes says.
static std::optional<Range> parseRange(const std::string &text) {
  size_t open = text.rfind('['), colon = text.find(':', open);
  if (open == text.npos || colon == text.npos || text.back() != ']')
    return std::nullopt;
  auto first = parseInteger<int64_t>(text.substr(open + 1, colon - open - 1));
  auto end = parseInteger<int64_t>(text.substr(colon + 1, text.size() - colon - 2));
  constexpr int64_t kMost = int64_t(1) << 31; // so that elements can be counted
  if (!first || !end || *first < 0 || *first >= *end || *end > kMost)
    return std::nullopt;
  return Range{text.substr(0, open), *first, *end};
}

TensorFiles::TensorFiles(const std::string &path) {
  files.push_back(std::make_unique<SafetensorsFile>(path));
  const Metadata &metadata = files[0]->metadata();
  auto said = metadata.find(kFiles);
  auto count = said == metadata.end() ? std::optional(1) : parseInteger<int>(said->second);
  if (!count || *count < 1)
    failInput("'" + path + "' is one of '" + said->second + "' files, expected a number of them");
  for (int rank = 1; rank < *count; ++rank)
    files.push_back(std::make_unique<SafetensorsFile>(fileOfRank(path, rank)));
  for (const auto &file : files)
    for (const StoredTensor &stored : file->tensors())
      add(*file, stored);
  for (Tensor &tensor : all)
    join(tensor);
}

void TensorFiles::add(const SafetensorsFile &file, const StoredTensor &stored) {
  auto range = parseRange(stored.name);
  int64_t elements = stored.bytes() / dtypeBytes(stored.dtype);
  std::string name = range ? range->name : stored.name;
  Piece piece{&file, &stored, 0, elements};
  if (range && (stored.shape.empty() || stored.shape[0] != range->end - range->first))
    failInput(
        format("'%s': tensor '%s' has not the rows that its name says", file.path().c_str(), stored.name.c_str()));
  if (range) {
    piece.first = range->first * (elements / stored.shape[0]);
    piece.end = piece.first + elements;
  }
  auto known = std::find_if(all.begin(), all.end(), [&](const Tensor &tensor) { return tensor.name == name; });
  if (known == all.end())
    all.push_back({name, stored.dtype, stored.shape, {piece}});
  else
    known->pieces.push_back(piece);
}

/// Puts pieces in order, and the shape of what they are together.
void TensorFiles::join(Tensor &tensor) const {
  auto fail = [&](const Piece &piece, const char *what) {
    failInput(format("'%s': tensor '%s' %s", piece.file->path().c_str(), piece.stored->name.c_str(), what),
              "the files are not those that ranks wrote together: take another checkpoint");
  };
  std::sort(tensor.pieces.begin(), tensor.pieces.end(),
            [](const Piece &a, const Piece &b) { return a.first < b.first; });
  int64_t next = 0;
  for (const Piece &piece : tensor.pieces) {
    const std::vector<int64_t> &shape = piece.stored->shape;
    bool fits = piece.stored->dtype == tensor.dtype && shape.size() == tensor.shape.size() &&
                std::equal(shape.begin() + !shape.empty(), shape.end(), tensor.shape.begin() + !shape.empty());
    if (!fits)
      fail(piece, "is of another type than its other rows");
    if (piece.first != next)
      fail(piece, piece.first < next ? "has rows that another file has, too" : "begins behind rows that no file has");
    next = piece.end;
  }
  if (tensor.pieces.size() > 1 || parseRange(tensor.pieces[0].stored->name)) {
    int64_t rows = 0;
    for (const Piece &piece : tensor.pieces)
      rows += piece.stored->shape[0];
    tensor.shape[0] = rows;
  }
}

const TensorFiles::Tensor *TensorFiles::find(const std::string &name) const {
  for (const Tensor &tensor : all)
    if (tensor.name == name)
      return &tensor;
  return nullptr;
}

void TensorFiles::read(const Tensor &tensor, int64_t first, int64_t count, void *to) const {
  int64_t width = dtypeBytes(tensor.dtype);
  for (const Piece &piece : tensor.pieces) {
    int64_t begin = std::max(first, piece.first), end = std::min(first + count, piece.end);
    if (begin < end)
      piece.file->read(*piece.stored, begin - piece.first, end - begin,
                       static_cast<char *>(to) + (begin - first) * width);
  }
}

void TensorFiles::visit(const Tensor &tensor, int64_t first, int64_t count,
                        const std::function<void(const char *, int64_t, int64_t)> &take) const {
  constexpr int64_t kPiece = 1 << 18;
  std::vector<char> piece(size_t(std::min(count, kPiece) * dtypeBytes(tensor.dtype)));
  for (int64_t done = 0, part; done < count; done += part) {
    part = std::min(kPiece, count - done);
    read(tensor, first + done, part, piece.data());
    take(piece.data(), first + done, part);
  }
}

} // namespace nc
