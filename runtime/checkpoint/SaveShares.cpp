#include "runtime/checkpoint/SaveShares.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/ModelFile.h"
#include "runtime/program/Program.h"
#include "runtime/program/Shares.h"
#include <optional>

namespace nc {

bool isOfSeveral(const Session &session) { return session.ranks().count() > 1 && hasShares(session.program); }

/// Hands all bytes of a tensor to `put(at, data, bytes)` of the first rank, which has no room for it as a whole.
template <typename Put> static void collectRows(const Session &session, const nc_tensor &tensor, Put put) {
  constexpr int64_t kMost = 64 << 20; // bytes at once
  Ranks &ranks = session.ranks();
  int64_t width = dtypeBytes(tensor.dtype), bytes = elementCount(tensor) * width;
  int64_t most = std::min(bytes, kMost / ranks.count());
  auto *own = static_cast<const char *>(session.data(tensor));
  std::vector<char> all(size_t(most * ranks.count()));
  for (int64_t at = 0, piece; at < bytes; at += piece) {
    piece = std::min(most, bytes - at);
    ranks.collect(own + at, all.data(), piece);
    for (int rank = 0; ranks.isFirst() && rank < ranks.count(); ++rank)
      if (int64_t there = std::min(piece, ownCount(tensor, rank) * width - at); there > 0)
        put(ownFirst(tensor, rank) * width + at, all.data() + rank * piece, there);
  }
}

void saveWhole(const Session &session, nc_kind kind, const std::string &path, const Metadata &metadata) {
  std::vector<SavedTensor> list = savedTensors(session.program, kind);
  std::vector<TensorView> heads;
  for (const SavedTensor &saved : list)
    heads.push_back({saved.name, saved.tensor->dtype, wholeShapeOf(*saved.tensor), nullptr});
  std::optional<SafetensorsWriter> writer;
  if (session.ranks().isFirst())
    writer.emplace(path, heads, metadata);
  for (size_t i = 0; i < list.size(); ++i)
    if (const nc_tensor &tensor = *list[i].tensor; isShare(tensor))
      collectRows(session, tensor,
                  [&](int64_t at, const char *data, int64_t bytes) { writer->write(i, at, data, bytes); });
    else if (writer)
      writer->write(i, 0, session.data(tensor), heads[i].bytes());
  if (writer)
    writer->commit();
}

static bool hasShares(const nc_program &program, nc_kind kind) {
  for (const SavedTensor &saved : savedTensors(program, kind))
    if (isShare(*saved.tensor))
      return true;
  return false;
}

std::vector<std::string> partNames(const nc_program &program, int rank) {
  std::vector<std::string> names;
  for (auto &[kind, name] : {std::pair(NC_PARAM, kModelFile), std::pair(NC_STATE, kOptimizerFile)})
    if (rank == 0 || hasShares(program, kind))
      names.push_back(fileOfRank(name, rank));
  return names;
}

static void savePart(const Session &session, nc_kind kind, const std::string &path, Metadata metadata) {
  const Ranks &ranks = session.ranks();
  bool areSeveral = hasShares(session.program, kind);
  if (!areSeveral && !ranks.isFirst())
    return;
  std::vector<TensorView> views;
  for (const auto &[tensor, name] : savedTensors(session.program, kind)) {
    RowRange rows = rowsOf(*tensor, ranks.rank());
    std::vector<int64_t> shape = shapeOf(*tensor);
    if (isShare(*tensor))
      shape[0] = rows.count();
    bool isHere = isShare(*tensor) ? rows.count() > 0 : ranks.isFirst();
    if (isHere)
      views.push_back({isShare(*tensor) ? rangeName(name, rows.first, rows.end) : name, tensor->dtype, shape,
                       session.data(*tensor)});
  }
  if (areSeveral && ranks.isFirst())
    metadata[kFiles] = std::to_string(ranks.count());
  writeSafetensors(fileOfRank(path, ranks.rank()), views, metadata);
}

void saveParts(const Session &session, const std::string &folder, const Vocabulary &vocabulary) {
  savePart(session, NC_PARAM, folder + "/" + kModelFile, metadataOf(session.program, vocabulary));
  savePart(session, NC_STATE, folder + "/" + kOptimizerFile, metadataOfStates(session.program));
}

} // namespace nc
