// What a person sees while a model trains.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_PROGRESS_H
#define NANOCHAT_RUNTIME_PROGRESS_H

#include "runtime/Trainer.h"

#include <chrono>

namespace nc {

/// On a terminal one line rewritten in place; elsewhere about ten lines per run, and one every
/// half minute. Writes to standard output.
class Progress {
public:
  /// Steps `first` … `total`-1 are to come.
  Progress(int64_t first, int64_t total, int64_t tokensPerStep);

  /// Call after each step. Returns the speed in tokens per second, evaluations excluded.
  double finishStep(int64_t step, const StepReport &report);
  /// A line of its own.
  void print(const std::string &line);
  /// Time between `pause` and `resume` does not count as training.
  void pause();
  void resume();

private:
  using Clock = std::chrono::steady_clock;
  double seconds() const;
  bool isDue(int64_t step);
  std::string describe(int64_t step, const StepReport &report, double speed) const;

  int64_t first, total, tokensPerStep;
  bool isTerminal;
  bool isLineOpen = false;
  Clock::time_point begin, lastStep, lastShown, pausedAt;
};

} // namespace nc
#endif // NANOCHAT_RUNTIME_PROGRESS_H
