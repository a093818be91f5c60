// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/Manifest.h"

#include "runtime/Errors.h"
#include "runtime/Files.h"

#include <filesystem>
#include <nlohmann/json.hpp>

namespace nc {

using Json = nlohmann::ordered_json;

static constexpr const char *kFormatPrefix = "nanochat checkpoint ", *kFormat = "nanochat checkpoint 1";
static constexpr const char *kFileName = "/manifest.json";

CheckpointManifest CheckpointManifest::of(const nc_program &program, const RunState &state) {
  CheckpointManifest manifest{
      program.model, program.target, program.compiler, program.ir_hash, {}, state, {}};
  for (int32_t i = 0; i < program.n_sizes; ++i)
    manifest.sizes[program.sizes[i].name] = program.sizes[i].value;
  return manifest;
}

void CheckpointManifest::add(const std::string &folder, const std::string &name) {
  MappedFile file(folder + "/" + name);
  files.push_back({name, file.bytes().size(), hashOf(file.bytes())});
}

void CheckpointManifest::checkFiles(const std::string &folder) const {
  for (const File &expected : files) {
    std::string path = folder + "/" + expected.name;
    MappedFile file(path);
    if (file.bytes().size() != expected.bytes)
      failInput(format("'%s' has %zu bytes, %llu were written", path.c_str(), file.bytes().size(),
                       static_cast<unsigned long long>(expected.bytes)),
                "the checkpoint is damaged: resume from an older one");
    if (hashOf(file.bytes()) != expected.hash)
      failInput("'" + path + "' was changed since it was written: its hash is another",
                "the checkpoint is damaged: resume from an older one");
  }
}

void CheckpointManifest::write(const std::string &folder) const {
  Json list = Json::array();
  for (const File &file : files)
    list.push_back({{"file", file.name}, {"bytes", file.bytes}, {"hash", hashText(file.hash)}});
  Json json = {{"format", kFormat},       {"model", model},
               {"target", target},        {"compiler", compiler},
               {"ir_hash", irHash},       {"sizes", sizes},
               {"phase", state.phase},    {"step", state.step},
               {"rows", state.rows},      {"schedule_steps", state.scheduleSteps},
               {"steps", state.steps},
               {"seed", state.seed},      {"tokenizer_hash", hashText(state.tokenizerHash)},
               {"files", list},           {"data_hash", hashText(state.dataHash)},
               {"actions", state.actions}, {"scalars", state.scalars}};
  json["hash"] = hashText(hashOf(json.dump()));
  std::string text = json.dump(2) + "\n";
  AtomicFile file(folder + kFileName);
  file.write(text.data(), text.size());
  file.commit();
}

/// A member that counts something.
static int64_t countAt(const Json &json, const char *key) {
  const Json &value = json.at(key);
  if (!value.is_number_integer() || value < 0 || value > INT64_MAX)
    throw std::invalid_argument(std::string("'") + key + "' is no count");
  return value;
}

static RunState parseState(const Json &json) {
  if (!json.at("seed").is_number_unsigned())
    throw std::invalid_argument("'seed' is no seed");
  return {countAt(json, "step"),
          countAt(json, "rows"),
          countAt(json, "schedule_steps"),
          countAt(json, json.contains("steps") ? "steps" : "schedule_steps"),
          json.at("seed"),
          json.at("phase"),
          parseHash(json.at("tokenizer_hash")),
          parseHash(json.at("data_hash")),
          json.value("actions", std::vector<std::string>()),
          json.value("scalars", std::map<std::string, double>())};
}

static CheckpointManifest parse(Json json) {
  if (json.at("format") != kFormat)
    throw std::invalid_argument("its format is " + json.at("format").dump() + ", expected \"" +
                                kFormat + "\"");
  uint64_t hash = parseHash(json.at("hash"));
  json.erase("hash");
  if (hashOf(json.dump()) != hash)
    throw std::invalid_argument("it was changed since it was written: its hash is another");
  CheckpointManifest manifest{json.at("model"),
                              json.at("target"),
                              json.at("compiler"),
                              json.at("ir_hash"),
                              json.at("sizes"),
                              parseState(json),
                              {}};
  for (const Json &file : json.at("files"))
    manifest.files.push_back(
        {file.at("file"), uint64_t(countAt(file, "bytes")), parseHash(file.at("hash"))});
  if (manifest.files.size() != 2 || manifest.files[0].name != kModelFile ||
      manifest.files[1].name != kOptimizerFile)
    throw std::invalid_argument(std::string("it does not list ") + kModelFile + " and " +
                                kOptimizerFile);
  return manifest;
}

CheckpointManifest CheckpointManifest::read(const std::string &folder) {
  MappedFile file(folder + kFileName);
  std::string reason;
  try {
    return parse(Json::parse(file.bytes()));
  } catch (const Json::parse_error &problem) {
    reason = format("it is no JSON, at byte %zu", problem.byte);
  } catch (const Json::exception &) {
    reason = "a member is missing, or of another type";
  } catch (const std::exception &problem) {
    reason = problem.what();
  }
  failInput("'" + folder + kFileName + "' does not describe a checkpoint: " + reason);
}

bool CheckpointManifest::isIn(const std::string &folder) {
  std::error_code problem;
  if (!std::filesystem::is_regular_file(folder + kFileName, problem))
    return false;
  std::string text;
  try {
    text = MappedFile(folder + kFileName).bytes();
  } catch (const Error &) { // it is there, but cannot be read
    return true;
  }
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded())
    return true;
  bool hasFormat = json.is_object() && json.contains("format") && json["format"].is_string();
  return hasFormat && json["format"].get<std::string>().rfind(kFormatPrefix, 0) == 0;
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
