#include "runtime/checkpoint/Manifest.h"
#include "runtime/checkpoint/TensorFiles.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include "runtime/files/JsonReader.h"
#include <filesystem>
#include <set>

namespace nc {

using Json = nlohmann::ordered_json;

static constexpr const char *kFormatPrefix = "nanochat checkpoint ";
static constexpr const char *kFormat = "nanochat checkpoint 1";
static constexpr const char *kFileName = "/manifest.json";

CheckpointManifest CheckpointManifest::of(const nc_program &program, const RunState &state) {
  CheckpointManifest manifest{program.model, program.target, program.compiler, program.ir_hash, {}, state, {}};
  for (int32_t i = 0; i < program.n_sizes; ++i)
    manifest.sizes[program.sizes[i].name] = program.sizes[i].value;
  return manifest;
}

CheckpointManifest::File CheckpointManifest::describe(const std::string &folder, const std::string &name) {
  InputFile file(folder + "/" + name);
  return {name, uint64_t(file.size()), hashOf(file)};
}

void CheckpointManifest::checkFiles(const std::string &folder) const {
  for (const File &expected : files) {
    std::string path = folder + "/" + expected.name;
    InputFile file(path);
    if (uint64_t(file.size()) != expected.bytes)
      failInput(format("'%s' has %lld bytes, %llu were written", path.c_str(), wide(file.size()), wide(expected.bytes)),
                "the checkpoint is damaged: resume from an older one");
    if (hashOf(file) != expected.hash)
      failInput("'" + path + "' was changed since it was written: its hash is another",
                "the checkpoint is damaged: resume from an older one");
  }
}

void CheckpointManifest::write(const std::string &folder) const {
  Json list = Json::array();
  for (const File &file : files)
    list.push_back({{"file", file.name}, {"bytes", file.bytes}, {"hash", hashText(file.hash)}});
  Json json = {{"format", kFormat},
               {"model", model},
               {"target", target},
               {"compiler", compiler},
               {"ir_hash", irHash},
               {"sizes", sizes},
               {"phase", state.phase},
               {"step", state.step},
               {"rows", state.rows},
               {"schedule_steps", state.scheduleSteps},
               {"steps", state.steps},
               {"seed", state.seed},
               {"tokenizer_hash", hashText(state.tokenizerHash)},
               {"files", list},
               {"data_hash", hashText(state.dataHash)},
               {"actions", state.actions},
               {"scalars", state.scalars}};
  json["hash"] = hashText(hashOf(json.dump()));
  std::string text = json.dump(2) + "\n";
  AtomicFile file(folder + kFileName);
  file.write(text.data(), text.size());
  file.commit();
}

/// A member that counts something.
static int64_t countAt(const Json &json, const char *key) {
  auto count = memberOf<int64_t>(json, key);
  if (count < 0 || json[key] > INT64_MAX)
    throw std::invalid_argument(std::string("its '") + key + "' is no count");
  return count;
}

static std::string textAt(const Json &json, const char *key) { return memberOf<std::string>(json, key); }

static RunState parseState(const Json &json) {
  auto seed = memberOf<uint64_t>(json, "seed");
  if (!json["seed"].is_number_unsigned())
    throw std::invalid_argument("its 'seed' is below zero");
  // Runs of earlier versions had neither an end nor scalars of their own.
  return {countAt(json, "step"),
          countAt(json, "rows"),
          countAt(json, "schedule_steps"),
          countAt(json, json.contains("steps") ? "steps" : "schedule_steps"),
          seed,
          textAt(json, "phase"),
          parseHash(textAt(json, "tokenizer_hash")),
          parseHash(textAt(json, "data_hash")),
          json.contains("actions") ? memberOf<std::vector<std::string>>(json, "actions") : std::vector<std::string>(),
          json.contains("scalars") ? memberOf<std::map<std::string, double>>(json, "scalars")
                                   : std::map<std::string, double>()};
}

/// The first two are those of the first rank, the others of those that have shares.
static void checkNames(const std::vector<CheckpointManifest::File> &files) {
  if (files.size() < 2 || files[0].name != kModelFile || files[1].name != kOptimizerFile)
    throw std::invalid_argument(std::string("it does not list ") + kModelFile + " and " + kOptimizerFile);
  std::set<std::string> parts;
  for (int rank = 1; rank < int(files.size()); ++rank)
    parts.insert({fileOfRank(kModelFile, rank), fileOfRank(kOptimizerFile, rank)});
  for (size_t i = 2; i < files.size(); ++i)
    if (parts.erase(files[i].name) == 0)
      throw std::invalid_argument("it lists '" + files[i].name + "', which is no file of a rank");
}

static CheckpointManifest parse(Json json) {
  if (std::string format = textAt(json, "format"); format != kFormat)
    throw std::invalid_argument("its format is '" + format + "', expected '" + kFormat + "'");
  uint64_t hash = parseHash(textAt(json, "hash"));
  json.erase("hash");
  if (hashOf(json.dump()) != hash)
    throw std::invalid_argument("it was changed since it was written: its hash is another");
  CheckpointManifest manifest{textAt(json, "model"),
                              textAt(json, "target"),
                              textAt(json, "compiler"),
                              textAt(json, "ir_hash"),
                              memberOf<std::map<std::string, int64_t>>(json, "sizes"),
                              parseState(json),
                              {}};
  for (const Json &file : memberOf<std::vector<Json>>(json, "files"))
    manifest.files.push_back({textAt(file, "file"), uint64_t(countAt(file, "bytes")), parseHash(textAt(file, "hash"))});
  checkNames(manifest.files);
  return manifest;
}

CheckpointManifest CheckpointManifest::read(const std::string &folder) {
  FileContent file(folder + kFileName);
  try {
    return parse(parseJson<Json>(file.bytes()));
  } catch (const std::invalid_argument &problem) {
    failInput("'" + folder + kFileName + "' does not describe a checkpoint: " + problem.what());
  }
}

bool CheckpointManifest::isIn(const std::string &folder) {
  std::error_code problem;
  if (!std::filesystem::is_regular_file(folder + kFileName, problem))
    return false;
  try {
    FileContent file(folder + kFileName);
    Json json = parseJson<Json>(file.bytes());
    bool hasFormat = json.is_object() && json.contains("format") && json["format"].is_string();
    return hasFormat && json["format"].get<std::string>().rfind(kFormatPrefix, 0) == 0;
  } catch (const Error &) { // it is there, but cannot be read
  } catch (const std::invalid_argument &) {
  }
  return true;
}

bool CheckpointManifest::isDamaged(const std::string &folder) {
  try {
    read(folder).checkFiles(folder);
    return false;
  } catch (const Error &) {
    return true;
  }
}

} // namespace nc
