// The log of a run: one JSON object per line and, if wanted, the same numbers for TensorBoard.
//
#pragma once

#include "runtime/report/EventFile.h"
#include "runtime/report/JsonLine.h"
#include "runtime/report/LogFile.h"
#include <optional>

namespace nc {

class RunLog {
public:
  /// Empty names are logs that are not wanted. A run that begins at step 0 begins its logs; a
  /// resumed one goes on in them behind the rows before `firstStep`. Readable while the run goes
  /// on. Fails (exit 2) if one cannot be written, or another process writes there.
  RunLog(const std::string &path, const std::string &tensorboard, int64_t firstStep);

  /// Never fails; see LogFile.
  void write(int64_t step, const JsonLine &line);
  /// Fails (exit 1) if a log is not complete.
  void finish();

private:
  std::optional<LogFile> file;
  std::optional<EventFile> events;
};

/// The rows of a log before step `firstStep`, without a last line that was cut. Fails (exit 2) if it
/// is the log of nothing.
std::string rowsBefore(const std::string &path, int64_t firstStep);

} // namespace nc
