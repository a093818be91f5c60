#include "runtime/checkpoint/SharedCheckpoint.h"
#include "runtime/checkpoint/HiddenFolder.h"
#include "runtime/checkpoint/Manifest.h"
#include "runtime/checkpoint/SaveShares.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include <chrono>
#include <random>
#include <thread>

namespace nc {

/// Whether the first rank has left its token here. What it wrote to a folder of several hosts may come late.
static bool seesToken(const std::string &folder, const std::string &token) {
  for (int attempt = 0; attempt < 20; ++attempt) {
    std::error_code ignored;
    try {
      if (FileContent(folder + kLock).bytes() == token)
        return true;
    } catch (const Error &) { // it is not there
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return false;
}

bool findSharedFolder(Ranks &ranks, const std::string &folder, CheckpointWriter *writer) {
  std::random_device random;
  std::string token = format("%08x%08x%08x\n", random(), random(), random()), problem;
  ranks.attempt([&] {
    if (writer)
      writer->mark(token);
  });
  token = ranks.textOfFirst(writer ? token : "");
  if (token.empty())
    return false;
  if (folder.empty())
    problem = "has no --checkpoints";
  else if (!writer && !seesToken(folder, token))
    problem = "'" + folder + "' is not the folder that " + ranks.describe(0) + " writes to";
  if (std::string said = ranks.firstToSay(problem); !said.empty())
    throw AgreedError(
        ExitCode::BadInput, "--checkpoints: " + said,
        "each rank writes its share of a checkpoint: name a folder that all hosts see, under its name there");
  return true;
}

/// The files that ranks have written, with sizes and hashes, those of the first in front.
static std::vector<CheckpointManifest::File> describeFiles(const Session &session, const std::string &folder) {
  struct Size {
    uint64_t bytes, hash;
  };
  Ranks &ranks = session.ranks();
  std::array<Size, 2> own = {}; // parameters and states
  ranks.attempt([&] {
    std::vector<std::string> names = partNames(session.program, ranks.rank());
    for (size_t i = 0; i < names.size(); ++i) {
      CheckpointManifest::File file = CheckpointManifest::describe(folder, names[i]);
      own[i] = {file.bytes, file.hash};
    }
  });
  std::vector<Size> all(own.size() * size_t(ranks.count()));
  ranks.gather(own.data(), all.data(), sizeof(own));
  std::vector<CheckpointManifest::File> files;
  for (int rank = 0; rank < ranks.count(); ++rank) {
    std::vector<std::string> names = partNames(session.program, rank);
    for (size_t i = 0; i < names.size(); ++i) {
      const Size &size = all[own.size() * size_t(rank) + i];
      files.push_back({names[i], size.bytes, size.hash});
    }
  }
  return files;
}

void saveShared(const Session &session, const RunState &state, const Vocabulary &vocabulary, const std::string &folder,
                CheckpointWriter *writer) {
  Ranks &ranks = session.ranks();
  std::unique_ptr<HiddenFolder> draft;
  ranks.attempt([&] {
    if (writer)
      draft = writer->draft(state.step);
  });
  std::string place = folder + "/" + ranks.textOfFirst(draft ? draft->name : "");
  ranks.attempt([&] { saveParts(session, place, vocabulary); });
  CheckpointManifest manifest = CheckpointManifest::of(session.program, state);
  manifest.files = describeFiles(session, place);
  ranks.attempt([&] {
    if (writer)
      writer->commit(*draft, manifest);
  });
}

} // namespace nc
