#include "runtime/checkpoint/ModelFile.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/files/Errors.h"
#include "runtime/program/NumberWriter.h"
#include "runtime/program/Program.h"
#include "runtime/program/Shares.h"
#include <filesystem>
#include <optional>

namespace nc {

/// Said where ids are neither bytes nor a tokenizer's.
static constexpr const char *kVocabulary = "vocabulary", *kUnknown = "unknown";

void checkFinite(const Session &session, int64_t step) {
  for (nc_kind kind : {NC_PARAM, NC_SCALES, NC_STATE})
    for (const nc_tensor *tensor : tensorsOf(session.program, kind))
      if (int64_t at = firstNonFinite(tensor->dtype, session.data(*tensor), elementCount(*tensor)); at >= 0)
        failRun(format("step %lld: %s '%s'[%lld] is not a finite number, so nothing is saved", wide(step),
                       kindName(kind), tensor->name, wide(at)),
                "what was saved before is still there; a lower learning rate may help");
}

std::string scalesName(const nc_tensor &parameter) { return std::string(parameter.name) + ".scales"; }

namespace {
struct Saved {
  const nc_tensor *tensor;
  std::string name; // in the file
};
} // namespace

static std::vector<Saved> savedOf(const nc_program &program, nc_kind kind) {
  std::vector<Saved> list;
  for (const nc_tensor *tensor : tensorsOf(program, kind)) {
    list.push_back({tensor, tensor->name});
    if (const nc_tensor *scales = scalesOf(program, *tensor))
      list.push_back({scales, scalesName(*tensor)});
  }
  return list;
}

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

/// One file of whole tensors, by the first rank.
static void saveWhole(const Session &session, nc_kind kind, const std::string &path, const Metadata &metadata) {
  std::vector<Saved> list = savedOf(session.program, kind);
  std::vector<TensorView> heads;
  for (const Saved &saved : list)
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

static void save(const Session &session, nc_kind kind, const std::string &path, const Metadata &metadata) {
  if (isOfSeveral(session))
    return saveWhole(session, kind, path, metadata);
  std::vector<TensorView> views;
  for (const Saved &saved : savedOf(session.program, kind))
    views.push_back({saved.name, saved.tensor->dtype, wholeShapeOf(*saved.tensor), session.data(*saved.tensor)});
  writeSafetensors(path, views, metadata);
}

bool isOfSeveral(const Session &session) { return session.ranks().count() > 1 && hasShares(session.program); }

static Metadata metadataOf(const Session &session, const Vocabulary &vocabulary) {
  const nc_program &program = session.program;
  Metadata metadata = {{"model", program.model}, {"compiler", program.compiler}, {"ir_hash", program.ir_hash}};
  if (std::string tokenizer = vocabulary.tokenizerText(); !tokenizer.empty())
    metadata["tokenizer"] = tokenizer;
  if (vocabulary.isUnknown())
    metadata[kVocabulary] = kUnknown;
  return metadata;
}

void saveParameters(const Session &session, const std::string &path, const Vocabulary &vocabulary) {
  save(session, NC_PARAM, path, metadataOf(session, vocabulary));
}

void saveStates(const Session &session, const std::string &path) {
  save(session, NC_STATE, path, {{"model", session.program.model}});
}

std::string modelFileIn(const std::string &path) {
  std::error_code notThere; // which opening it will say
  return std::filesystem::is_directory(path, notThere) ? path + "/" + kModelFile : path;
}

Vocabulary vocabularyOf(const std::string &path, int64_t modelVocab) {
  std::string file = modelFileIn(path);
  Metadata metadata = SafetensorsFile(file).metadata();
  if (metadata[kVocabulary] == kUnknown)
    return Vocabulary::unknown();
  auto tokenizer = metadata.find("tokenizer");
  if (tokenizer == metadata.end())
    return Vocabulary::ofBytes(modelVocab);
  return Vocabulary::of(Tokenizer::parse(tokenizer->second, "tokenizer of " + file));
}

} // namespace nc
