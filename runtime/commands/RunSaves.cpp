// SPDX-License-Identifier: Apache-2.0
#include "runtime/commands/RunSaves.h"

#include "runtime/Errors.h"
#include "runtime/checkpoint/ModelFile.h"

#include <filesystem>

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

void RunSaves::finish(const Session &session, const RunState &state,
                      const Vocabulary &vocabulary) {
  if (!writer || savedStep == state.step)
    return;
  checkFinite(session, state.step);
  writer->save(session, state, vocabulary);
  savedStep = state.step;
  failed.reset();
}

void RunSaves::save(const Session &session, const RunState &state, const Vocabulary &vocabulary) {
  checkFinite(session, state.step);
  try {
    finish(session, state, vocabulary);
  } catch (const std::exception &problem) {
    failed = std::chrono::steady_clock::now();
    fprintf(stderr, "warning: step %lld is not saved: %s; the run goes on and tries again\n",
            static_cast<long long>(state.step), problem.what());
  }
}

bool RunSaves::isDueAgain() const {
  return failed && std::chrono::steady_clock::now() - *failed > kBetweenAttempts;
}

} // namespace nc
