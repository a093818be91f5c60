// What a person sees while a model trains.
//
#pragma once

#include "runtime/report/LogFile.h"
#include "runtime/training/Trainer.h"
#include <chrono>

namespace nc {

/// "3m08s".
std::string timeText(double seconds);
/// Of tokens per second: "12.3k tok/s".
std::string speedText(double speed);

/// On a terminal one line rewritten in place, cut at its width; elsewhere about ten lines per run,
/// and one every half minute. Writes to standard output and, as if that were no terminal, to a
/// file.
class Progress {
public:
  /// Steps `first` … `total`-1 are to come. At `peakSpeed` tokens per second the machine would do
  /// nothing but useful arithmetic; 0 if that is not known. `path` may be empty. Fails (exit 2) if
  /// the file cannot be written.
  Progress(int64_t first, int64_t total, int64_t tokensPerStep, double peakSpeed, const std::string &path);
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// Call after each step. Returns the speed in tokens per second, evaluations excluded.
  double finishStep(int64_t step, const StepReport &report);
  /// A line of its own.
  void print(const std::string &line);
  /// Time between `pause` and `resume` does not count as training.
  void pause();
  void resume();
  /// Fails (exit 1) if the file is not complete.
  void finish();
  /// How long training took so far.
  double seconds() const;

private:
  using Clock = std::chrono::steady_clock;
  /// Whether a line is due that was last written at `shown`; if so, sets that.
  bool isDue(int64_t step, bool isTerminal, Clock::time_point &shown) const;
  std::string describe(int64_t step, const StepReport &report, double speed) const;

  int64_t first, total, tokensPerStep;
  double peakSpeed;
  bool isTerminal;
  bool isLineOpen = false;
  Clock::time_point begin, lastStep, lastShown, lastFiled, pausedAt;
  std::optional<LogFile> file;
};

} // namespace nc
