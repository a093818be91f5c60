#include "runtime/commands/RunSaves.h"
#include "runtime/checkpoint/ModelFile.h"
#include "runtime/checkpoint/SharedCheckpoint.h"
#include "runtime/files/Errors.h"

namespace nc {

static constexpr std::chrono::seconds kBetweenAttempts{30};

RunSaves::RunSaves(const std::string &folder, int64_t keepLast, Ranks &ranks, bool isShared)
    : ranks(ranks), folder(folder), isShared(isShared) {
  if (!folder.empty() && ranks.isFirst())
    writer.emplace(folder, keepLast);
}

void RunSaves::begin(const std::string &resumed, int64_t end) {
  if (writer)
    savedStep = writer->begin(resumed, end).value_or(-1);
  isWritten = writer.has_value();
  if (!isShared)
    return;
  isWritten = findSharedFolder(ranks, folder, writer ? &*writer : nullptr);
  savedStep = ranks.ofFirst(savedStep);
}

bool RunSaves::isMissing(const Session &session, const RunState &state) const {
  if (!isWritten || savedStep == state.step)
    return false;
  checkFinite(session, state.step);
  return true;
}

void RunSaves::write(const Session &session, const RunState &state, const Vocabulary &vocabulary) {
  if (isShared)
    saveShared(session, state, vocabulary, folder, writer ? &*writer : nullptr);
  else
    writer->save(session, state, vocabulary);
  savedStep = state.step;
  failed.reset();
}

void RunSaves::finish(const Session &session, const RunState &state, const Vocabulary &vocabulary) {
  if (isMissing(session, state))
    write(session, state, vocabulary);
}

void RunSaves::save(const Session &session, const RunState &state, const Vocabulary &vocabulary) {
  if (!isMissing(session, state))
    return;
  try {
    write(session, state, vocabulary);
  } catch (const std::exception &problem) {
    if (ranks.isBroken())
      throw; // it does not go on
    failed = std::chrono::steady_clock::now();
    if (ranks.isFirst())
      fprintf(stderr, "warning: step %lld is not saved: %s; the run goes on and tries again\n", wide(state.step),
              problem.what());
  }
}

bool RunSaves::isDueAgain() const { return failed && std::chrono::steady_clock::now() - *failed > kBetweenAttempts; }

} // namespace nc
