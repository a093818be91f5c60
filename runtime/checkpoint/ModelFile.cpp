#include "runtime/checkpoint/ModelFile.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/SaveShares.h"
#include "runtime/files/Errors.h"
#include "runtime/program/NumberWriter.h"
#include "runtime/program/Program.h"
#include "runtime/program/Shares.h"
#include <filesystem>

namespace nc {

/// Said where ids are neither bytes nor a tokenizer's.
static constexpr const char *kVocabulary = "vocabulary", *kUnknown = "unknown";

/// The first element of this rank that is not finite, as "state 'w'[12]"; "" if there is none.
static std::string findNonFinite(const Session &session) {
  int rank = session.ranks().rank();
  for (nc_kind kind : {NC_PARAM, NC_SCALES, NC_STATE})
    for (const nc_tensor *tensor : tensorsOf(session.program, kind))
      if (int64_t at = firstNonFinite(tensor->dtype, session.data(*tensor), ownCount(*tensor, rank)); at >= 0)
        return format("%s '%s'[%lld]", kindName(kind), tensor->name, wide(ownFirst(*tensor, rank) + at));
  return "";
}

void checkFinite(const Session &session, int64_t step) {
  std::string found = findNonFinite(session);
  bool areAll = isOfSeveral(session);
  if (areAll)
    found = session.ranks().firstToSay(found);
  if (found.empty())
    return;
  std::string text = format("step %lld: %s is not a finite number, so nothing is saved", wide(step), found.c_str());
  const char *note = "what was saved before is still there; a lower learning rate may help";
  if (areAll)
    throw AgreedError(ExitCode::RunFailed, text, note);
  failRun(text, note);
}

std::string scalesName(const nc_tensor &parameter) { return std::string(parameter.name) + ".scales"; }

std::vector<SavedTensor> savedTensors(const nc_program &program, nc_kind kind) {
  std::vector<SavedTensor> list;
  for (const nc_tensor *tensor : tensorsOf(program, kind)) {
    list.push_back({tensor, tensor->name});
    if (const nc_tensor *scales = scalesOf(program, *tensor))
      list.push_back({scales, scalesName(*tensor)});
  }
  return list;
}

static void save(const Session &session, nc_kind kind, const std::string &path, const Metadata &metadata) {
  if (isOfSeveral(session))
    return saveWhole(session, kind, path, metadata);
  std::vector<TensorView> views;
  for (const SavedTensor &saved : savedTensors(session.program, kind))
    views.push_back({saved.name, saved.tensor->dtype, wholeShapeOf(*saved.tensor), session.data(*saved.tensor)});
  writeSafetensors(path, views, metadata);
}

Metadata metadataOf(const nc_program &program, const Vocabulary &vocabulary) {
  Metadata metadata = {{"model", program.model}, {"compiler", program.compiler}, {"ir_hash", program.ir_hash}};
  if (std::string tokenizer = vocabulary.tokenizerText(); !tokenizer.empty())
    metadata["tokenizer"] = tokenizer;
  if (vocabulary.isUnknown())
    metadata[kVocabulary] = kUnknown;
  return metadata;
}

Metadata metadataOfStates(const nc_program &program) { return {{"model", program.model}}; }

void saveParameters(const Session &session, const std::string &path, const Vocabulary &vocabulary) {
  save(session, NC_PARAM, path, metadataOf(session.program, vocabulary));
}

void saveStates(const Session &session, const std::string &path) {
  save(session, NC_STATE, path, metadataOfStates(session.program));
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
