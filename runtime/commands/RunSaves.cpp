#include "runtime/commands/RunSaves.h"
#include "runtime/checkpoint/ModelFile.h"
#include "runtime/files/Errors.h"

namespace nc {

static constexpr std::chrono::seconds kBetweenAttempts{30};

RunSaves::RunSaves(const std::string &folder, int64_t keepLast) {
  if (!folder.empty())
    writer.emplace(folder, keepLast);
}

void RunSaves::begin(const std::string &resumed, int64_t end) {
  if (writer)
    savedStep = writer->begin(resumed, end).value_or(-1);
}

bool RunSaves::isMissing(const Session &session, const RunState &state) const {
  if (!writer || savedStep == state.step)
    return false;
  checkFinite(session, state.step);
  return true;
}

void RunSaves::write(const Session &session, const RunState &state, const Vocabulary &vocabulary) {
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
    failed = std::chrono::steady_clock::now();
    fprintf(stderr, "warning: step %lld is not saved: %s; the run goes on and tries again\n", wide(state.step),
            problem.what());
  }
}

bool RunSaves::isDueAgain() const { return failed && std::chrono::steady_clock::now() - *failed > kBetweenAttempts; }

} // namespace nc
