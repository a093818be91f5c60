// SPDX-License-Identifier: Apache-2.0
#include "runtime/checkpoint/Checkpoint.h"

#include "runtime/Errors.h"
#include "runtime/Files.h"
#include "runtime/checkpoint/Manifest.h"
#include "runtime/checkpoint/ModelFile.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace nc {

static constexpr const char *kPrefix = "step-";
/// Names of what is being written or removed: prefix, step, '.', process.
static constexpr const char *kHiddenPrefix = ".step-";

static std::string nameOf(int64_t step) {
  return format("%s%08lld", kPrefix, static_cast<long long>(step));
}

/// Names of complete checkpoints, newest first.
static std::vector<std::string> listCheckpoints(const std::string &folder) {
  std::vector<std::string> names;
  std::error_code problem;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder, problem)) {
    std::string name = entry.path().filename().string();
    if (entry.is_directory(problem) && name.rfind(kPrefix, 0) == 0)
      names.push_back(name);
  }
  // Longer names are later steps.
  std::sort(names.begin(), names.end(), [](const std::string &a, const std::string &b) {
    return std::make_pair(a.size(), a) > std::make_pair(b.size(), b);
  });
  return names;
}

/// Removes what processes that are no more left under hidden names.
static void clearLeftovers(const std::string &folder) {
  for (const fs::directory_entry &entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    if (name.rfind(kHiddenPrefix, 0) != 0)
      continue;
    auto process = pid_t(atoll(name.substr(name.rfind('.') + 1).c_str()));
    if (process == getpid() || kill(process, 0) == 0 || errno != ESRCH)
      continue;
    std::error_code ignored;
    fs::remove_all(entry.path(), ignored);
  }
}

CheckpointWriter::CheckpointWriter(const std::string &folder, int64_t keepLast)
    : folder(folder), keepLast(keepLast) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem || access(folder.c_str(), W_OK | X_OK) != 0)
    failInput(format("--checkpoints: cannot write in folder '%s': %s", folder.c_str(),
                     problem ? problem.message().c_str() : strerror(errno)));
  clearLeftovers(folder);
}

namespace {
/// A folder under a hidden name, gone when this goes.
class HiddenFolder {
public:
  HiddenFolder(const std::string &parent, int64_t step)
      : path(parent + "/." + nameOf(step) + "." + std::to_string(getpid())) {
    fs::remove_all(path);
    if (mkdir(path.c_str(), 0777) != 0)
      failRun(format("cannot make the folder '%s': %s", path.c_str(), strerror(errno)));
  }
  ~HiddenFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  /// Puts it in the place of `final`, whose former content is then hidden, if there was any.
  void publish(const std::string &final) {
    int result = rename(path.c_str(), final.c_str());
    if (result != 0 && (errno == EEXIST || errno == ENOTEMPTY))
      result = renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, final.c_str(), RENAME_EXCHANGE);
    if (result != 0)
      failRun(format("cannot write '%s': %s", final.c_str(), strerror(errno)));
  }

  const std::string path;
};
} // namespace

void CheckpointWriter::save(const Session &session, const RunState &state,
                            const Vocabulary &vocabulary) const {
  HiddenFolder hidden(folder, state.step);
  CheckpointManifest manifest = CheckpointManifest::of(session.program, state);
  saveParameters(session, hidden.path + "/" + kModelFile, vocabulary);
  saveStates(session, hidden.path + "/" + kOptimizerFile);
  for (const char *name : {kModelFile, kOptimizerFile})
    manifest.add(hidden.path, name);
  manifest.write(hidden.path);
  hidden.publish(folder + "/" + nameOf(state.step));
  syncFolder(folder);
  removeOld();
}

void CheckpointWriter::removeOld() const {
  std::vector<std::string> names = listCheckpoints(folder);
  for (size_t i = keepLast; i < names.size(); ++i) {
    // Half a checkpoint must not bear a checkpoint's name.
    std::string hidden = folder + "/." + names[i] + "." + std::to_string(getpid());
    std::error_code ignored;
    fs::rename(folder + "/" + names[i], hidden, ignored);
    fs::remove_all(hidden, ignored);
  }
}

std::optional<std::string> findNewest(const std::string &folder) {
  for (const std::string &name : listCheckpoints(folder)) {
    std::string path = folder + "/" + name;
    try {
      CheckpointManifest::read(path).checkFiles(path);
      return path;
    } catch (const Error &problem) {
      fprintf(stderr, "warning: passing over a damaged checkpoint: %s\n", problem.what());
    }
  }
  return std::nullopt;
}

static void describeDifferences(const CheckpointManifest &saved, const CheckpointManifest &now) {
  auto say = [](const char *what, const std::string &before, const std::string &after) {
    if (before != after)
      printf("resumed on another %s: %s, was %s\n", what, after.c_str(), before.c_str());
  };
  say("target", saved.target, now.target);
  say("compiler", saved.compiler, now.compiler);
  if (saved.irHash != now.irHash && saved.target == now.target)
    say("version of the program (hash of its IR)", saved.irHash, now.irHash);
  for (const auto &[name, value] : now.sizes)
    if (auto before = saved.sizes.find(name); before != saved.sizes.end())
      say(("size '" + name + "'").c_str(), std::to_string(before->second), std::to_string(value));
}

RunState resumeFrom(Session &session, const std::string &checkpoint) {
  CheckpointManifest saved = CheckpointManifest::read(checkpoint);
  CheckpointManifest now = CheckpointManifest::of(session.program, {});
  if (saved.model != now.model)
    failInput(format("'%s/manifest.json' is of model '%s', this is '%s'", checkpoint.c_str(),
                     saved.model.c_str(), now.model.c_str()),
              "resume with the program that saved it, or begin in another folder");
  saved.checkFiles(checkpoint);
  std::string states = checkpoint + "/" + kOptimizerFile;
  checkStates(session.program, states);
  loadParameters(session, checkpoint);
  loadStates(session, states);
  describeDifferences(saved, now);
  return saved.state;
}

} // namespace nc
