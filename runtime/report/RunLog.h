// The log of a run: one JSON object per line and, if wanted, the same numbers for TensorBoard.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_REPORT_RUNLOG_H
#define NANOCHAT_RUNTIME_REPORT_RUNLOG_H

#include "runtime/report/EventFile.h"
#include "runtime/report/JsonLine.h"

#include <optional>

namespace nc {

class RunLog {
public:
  /// Empty names are logs that are not wanted. A run that begins at step 0 begins its logs; a
  /// resumed one goes on in them behind the rows before `firstStep`. Readable while the run goes
  /// on. Fails (exit 2) if one cannot be written.
  RunLog(const std::string &path, const std::string &tensorboard, int64_t firstStep);
  ~RunLog();
  RunLog(const RunLog &) = delete;
  RunLog &operator=(const RunLog &) = delete;

  /// Fails (exit 1) if it cannot be written.
  void write(int64_t step, const JsonLine &line);

private:
  std::string path;
  FILE *file = nullptr;
  std::optional<EventFile> events;
};

/// Removes the rows of a log from step `firstStep` on, and a last line that was cut.
void dropRows(const std::string &path, int64_t firstStep);

} // namespace nc
#endif // NANOCHAT_RUNTIME_REPORT_RUNLOG_H
