// All that happens between steps of a run: the values of `train --at` in their order.
//
// What is due depends on the step alone, so a resumed run goes on to the same bits. A checkpoint
// after `step` steps was saved before the actions of that step.
//
#pragma once

#include "runtime/training/PhaseAction.h"

namespace nc {

class PhaseSchedule {
public:
  /// Fails (exit 2) as PhaseAction::parse does.
  PhaseSchedule(const nc_program &program, const std::vector<std::string> &options);

  /// Gives actions their steps. Fails (exit 2) if one is not in [0, end) or is there twice.
  void place(int64_t scheduleSteps, int64_t end);

  /// By step; before one step scalars come first, for entries may read them, and all else in the
  /// order of the options.
  const std::vector<PhaseAction> &actions() const { return list; }
  /// "500:fire" for each.
  std::vector<std::string> describe() const;

  /// Fails (exit 2) if what a run described, which stands at `step`, had another past than this.
  void checkPast(const std::vector<std::string> &described, int64_t step) const;
  /// Sets scalars that changed before earlier steps than `step`.
  void restoreScalars(Session &session, int64_t step) const;

private:
  void checkTwice() const;

  std::vector<PhaseAction> list;
};

} // namespace nc
