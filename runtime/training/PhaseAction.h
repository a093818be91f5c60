// One value of `train --at STEP:ACTION`: something that happens between two steps of a run.
//
#pragma once

#include "runtime/program/Session.h"
#include "runtime/training/Metrics.h"
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace nc {

/// What resets optimizer states is called.
constexpr const char *kResetStates = "reset-states";

/// When an action is due: a step, or a percentage of the steps that schedules see.
struct PhaseTime {
  /// Reads "500" or "12.5%"; nothing if it is neither.
  static std::optional<PhaseTime> read(const std::string &text);
  /// Percentages go to the nearest step.
  int64_t in(int64_t scheduleSteps) const;

  double number = 0;
  bool isPercent = false;
};

struct PhaseAction {
  enum class Kind {
    Scalar, // a user scalar has another value from then on
    Entry,  // the entry "phase.<name>" runs once
    Reset   // optimizer states become what they were at first
  };

  /// Fails (exit 2), naming the option, if that is malformed or asks for what `program` does not
  /// have.
  static PhaseAction parse(const nc_program &program, const std::string &option);

  /// "weight_decay=0.1", "fire" or "reset-states".
  std::string text() const;
  /// Does it, as before step `step`. Returns the rank-0 outputs of an entry.
  std::vector<NamedValue> perform(Session &session, int64_t scheduleSteps, uint64_t seed) const;

  std::string option; // as it was given
  PhaseTime time;
  Kind kind = Kind::Entry;
  std::string name; // of the scalar or the entry
  double value = 0; // of the scalar
  int64_t step = 0; // once the length of the schedule is known
};

/// Names of the entries "phase.<name>" of a program.
std::set<std::string> phaseNames(const nc_program &program);

} // namespace nc
