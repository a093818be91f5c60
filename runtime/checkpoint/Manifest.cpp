// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/Manifest.h"

#include "runtime/Errors.h"
#include "runtime/Files.h"

#include <nlohmann/json.hpp>

namespace nc {

using Json = nlohmann::ordered_json;

static constexpr const char *kFormat = "nanochat checkpoint 1";
static constexpr const char *kFileName = "/manifest.json";

CheckpointManifest CheckpointManifest::of(const nc_program &program, const RunState &state) {
  CheckpointManifest manifest{
      program.model, program.target, program.compiler, program.ir_hash, {}, state, {}};
  for (int32_t i = 0; i < program.n_sizes; ++i)
    manifest.sizes[program.sizes[i].name] = program.sizes[i].value;
  return manifest;
}

void CheckpointManifest::add(const std::string &folder, const std::string &name) {
  InputFile file(folder + "/" + name);
  files.push_back({name, uint64_t(file.size()), hashOf(file)});
}

void CheckpointManifest::checkFiles(const std::string &folder) const {
  for (const File &expected : files) {
    std::string path = folder + "/" + expected.name;
    InputFile file(path);
    if (uint64_t(file.size()) != expected.bytes)
      failInput(format("'%s' has %lld bytes, %llu were written", path.c_str(),
                       static_cast<long long>(file.size()),
                       static_cast<unsigned long long>(expected.bytes)),
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
  Json json = {{"format", kFormat},       {"model", model},
               {"target", target},        {"compiler", compiler},
               {"ir_hash", irHash},       {"sizes", sizes},
               {"phase", state.phase},    {"step", state.step},
               {"rows", state.rows},      {"schedule_steps", state.scheduleSteps},
               {"seed", state.seed},      {"tokenizer_hash", hashText(state.tokenizerHash)},
               {"files", list},           {"data_hash", hashText(state.dataHash)},
               {"actions", state.actions}};
  json["hash"] = hashText(hashOf(json.dump()));
  std::string text = json.dump(2) + "\n";
  AtomicFile file(folder + kFileName);
  file.write(text.data(), text.size());
  file.commit();
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
                              {},
                              {}};
  manifest.state = {json.at("step"),
                    json.at("rows"),
                    json.at("schedule_steps"),
                    json.at("seed"),
                    json.at("phase"),
                    parseHash(json.at("tokenizer_hash")),
                    parseHash(json.at("data_hash")),
                    json.value("actions", std::vector<std::string>())};
  if (manifest.state.step < 0 || manifest.state.rows < 0 || manifest.state.scheduleSteps < 0)
    throw std::invalid_argument("it counts steps or rows below zero");
  for (const Json &file : json.at("files"))
    manifest.files.push_back({file.at("file"), file.at("bytes"), parseHash(file.at("hash"))});
  for (const char *name : {kModelFile, kOptimizerFile})
    if (manifest.files.size() != 2 || manifest.files[name == kOptimizerFile].name != name)
      throw std::invalid_argument(std::string("it does not list ") + kModelFile + " and " +
                                  kOptimizerFile);
  return manifest;
}

CheckpointManifest CheckpointManifest::read(const std::string &folder) {
  FileContent file(folder + kFileName);
  try {
    return parse(Json::parse(file.bytes()));
  } catch (const std::exception &problem) {
    failInput("'" + folder + kFileName + "' does not describe a checkpoint: " + problem.what());
  }
}

} // namespace nc
