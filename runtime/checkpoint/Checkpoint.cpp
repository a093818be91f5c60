#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/HiddenFolder.h"
#include "runtime/checkpoint/Manifest.h"
#include "runtime/checkpoint/ModelFile.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace fs = std::filesystem;

namespace nc {

/// What is in a folder under names of checkpoints, by step.
static std::map<int64_t, std::string> listNames(const std::string &folder) {
  std::map<int64_t, std::string> names;
  std::error_code problem;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end; entry.increment(problem))
    if (int64_t step = stepOfName(entry->path().filename().string()); step >= 0)
      names[step] = folder + "/" + checkpointName(step);
  return names;
}

/// Checkpoints in a folder by step, whole or damaged.
static std::map<int64_t, std::string> listCheckpoints(const std::string &folder) {
  std::map<int64_t, std::string> checkpoints = listNames(folder);
  for (auto at = checkpoints.begin(); at != checkpoints.end();)
    at = CheckpointManifest::isIn(at->second) ? std::next(at) : checkpoints.erase(at);
  return checkpoints;
}

CheckpointWriter::CheckpointWriter(const std::string &folder, int64_t keepLast) : folder(folder), keepLast(keepLast) {
  open();
  clearLeftovers(folder);
}

CheckpointWriter::~CheckpointWriter() { release(); }

void CheckpointWriter::release() {
  for (int descriptor : {lock, place})
    if (descriptor >= 0)
      close(descriptor);
}

void CheckpointWriter::open() {
  std::error_code problem;
  fs::create_directories(folder, problem);
  std::string path = folder + kLock;
  int opened = problem ? -1 : ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (opened < 0)
    failInput(format("--checkpoints: cannot write in folder '%s': %s", folder.c_str(),
                     problem ? problem.message().c_str() : strerror(errno)));
  if (!lockFile(opened)) {
    close(opened);
    failInput("--checkpoints: another process trains in '" + folder + "'",
              "one folder has one run: name another, or end the other run first");
  }
  release();
  lock = opened;
  place = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void CheckpointWriter::reopenIfChanged() {
  if (isCurrent(lock, folder + kLock))
    return;
  bool isSameFolder = isCurrent(place, folder);
  if (!isSameFolder && !listCheckpoints(folder).empty())
    failRun("'" + folder +
            "' is no longer the folder that the run began in, and has checkpoints of "
            "another");
  open();
  if (!isSameFolder)
    own.clear();
}

/// Fails if something that is no checkpoint has the name of one after `last`, up to `end`.
static void checkFree(const std::string &folder, int64_t last, int64_t end) {
  for (const auto &[step, path] : listNames(folder))
    if (step > last && step <= end && !CheckpointManifest::isIn(path))
      failInput("--checkpoints: '" + path + "' has the name of a checkpoint and is none",
                "it would be in the way: move it, or name another folder");
}

std::optional<int64_t> CheckpointWriter::begin(const std::string &resumed, int64_t end) {
  std::map<int64_t, std::string> there = listCheckpoints(folder);
  std::error_code ignored;
  fs::path parent = fs::path(resumed).lexically_normal().parent_path();
  bool isHere = !resumed.empty() && fs::equivalent(parent.empty() ? "." : parent, folder, ignored);
  int64_t last = isHere ? CheckpointManifest::read(resumed).state.step : -1;
  checkFree(folder, last, end);
  own.clear();
  for (const auto &[step, path] : there) {
    // What is damaged ends no run's past: it was passed over.
    if (step > last && !(isHere && CheckpointManifest::isDamaged(path)))
      failInput(format("--checkpoints: '%s' holds %s, up to step %lld", folder.c_str(),
                       isHere ? "later checkpoints than the one that is resumed" : "checkpoints of another run",
                       wide(there.rbegin()->first)),
                isHere ? "resume the newest (--resume auto), name another folder with "
                         "--checkpoints, or move the later ones away"
                       : "go on with that run (--resume auto), or name another folder with "
                         "--checkpoints");
    if (step <= last)
      own.insert(step);
  }
  return isHere ? std::optional(last) : std::nullopt;
}

std::unique_ptr<HiddenFolder> CheckpointWriter::draft(int64_t step) {
  reopenIfChanged();
  return std::make_unique<HiddenFolder>(folder, step);
}

void CheckpointWriter::commit(HiddenFolder &draft, const CheckpointManifest &manifest) {
  manifest.write(draft.path);
  draft.publish();
  syncFolder(folder);
  own.insert(draft.step);
  removeOld();
}

void CheckpointWriter::save(const Session &session, const RunState &state, const Vocabulary &vocabulary) {
  auto hidden = draft(state.step);
  CheckpointManifest manifest = CheckpointManifest::of(session.program, state);
  saveParameters(session, hidden->path + "/" + kModelFile, vocabulary);
  saveStates(session, hidden->path + "/" + kOptimizerFile);
  for (const char *name : {kModelFile, kOptimizerFile})
    manifest.files.push_back(CheckpointManifest::describe(hidden->path, name));
  commit(*hidden, manifest);
}

void CheckpointWriter::mark(const std::string &token) {
  if (ftruncate(lock, 0) != 0 || pwrite(lock, token.data(), token.size(), 0) != ssize_t(token.size()) ||
      fsync(lock) != 0)
    failInput(format("--checkpoints: cannot write in folder '%s': %s", folder.c_str(), strerror(errno)));
}

void CheckpointWriter::removeOld() {
  while (int64_t(own.size()) > keepLast) {
    std::string name = checkpointName(*own.begin());
    own.erase(own.begin());
    // Half a checkpoint must not bear a checkpoint's name.
    std::string hidden = folder + "/" + hiddenName(name);
    std::error_code problem;
    if (CheckpointManifest::isIn(folder + "/" + name))
      fs::rename(folder + "/" + name, hidden, problem);
    fs::remove_all(hidden, problem);
  }
}

/// Fails if the checkpoint cannot be resumed by any program.
static void checkWhole(const std::string &checkpoint) {
  CheckpointManifest::read(checkpoint).checkFiles(checkpoint);
  for (const char *name : {kModelFile, kOptimizerFile})
    checkFinite(TensorFiles(checkpoint + "/" + name));
}

std::optional<std::string> findNewest(const std::string &folder) {
  std::map<int64_t, std::string> checkpoints = listCheckpoints(folder);
  for (auto at = checkpoints.rbegin(); at != checkpoints.rend(); ++at)
    try {
      checkWhole(at->second);
      return at->second;
    } catch (const Error &problem) {
      fprintf(stderr, "warning: passing over a damaged checkpoint: %s\n", problem.what());
    }
  if (!checkpoints.empty())
    failInput("'" + folder + "' has checkpoints, and none can be resumed",
              "the run would begin anew over them: bring one back, or name another folder");
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
    failInput(format("'%s/manifest.json' is of model '%s', this is '%s'", checkpoint.c_str(), saved.model.c_str(),
                     now.model.c_str()),
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
