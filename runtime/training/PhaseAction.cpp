#include "runtime/training/PhaseAction.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Numbers.h"
#include "runtime/program/Initialize.h"
#include "runtime/program/Program.h"
#include <cmath>

namespace nc {

static constexpr std::string_view kPrefix = "phase.";

std::set<std::string> phaseNames(const nc_program &program) {
  std::set<std::string> names;
  for (int32_t i = 0; i < program.n_entries; ++i)
    if (std::string name = program.entries[i].name; name.rfind(kPrefix, 0) == 0)
      names.insert(name.substr(kPrefix.size()));
  return names;
}

std::optional<PhaseTime> PhaseTime::read(const std::string &text) {
  bool isPercent = !text.empty() && text.back() == '%';
  std::optional<double> number;
  if (isPercent)
    number = parseNumber(text.substr(0, text.size() - 1));
  else if (auto step = parseInteger<int64_t>(text); step && *step <= kMostSteps)
    number = double(*step);
  return number && *number >= 0 ? std::optional(PhaseTime{*number, isPercent}) : std::nullopt;
}

int64_t PhaseTime::in(int64_t scheduleSteps) const {
  double step = isPercent ? std::round(number * double(scheduleSteps) / 100) : number;
  return int64_t(std::min(step, 0x1p62));
}

/// What is left of the colon, which has to be there.
static PhaseTime parseTime(const std::string &option, size_t colon) {
  std::string text = option.substr(0, colon);
  auto time = PhaseTime::read(text);
  if (colon == option.npos)
    failInput("expected STEP:ACTION, as in 500:lr=0.1");
  if (!time)
    failInput("found step '" + text + "', expected a step from 0 to " + std::to_string(kMostSteps) +
              " or a percentage of the schedule such as 50%");
  return *time;
}

static void parseScalar(const nc_program &program, const std::string &text, PhaseAction &action) {
  size_t equals = text.find('=');
  action.kind = PhaseAction::Kind::Scalar;
  action.name = text.substr(0, equals);
  std::string number = text.substr(equals + 1);
  std::optional<double> value = parseNumber(number);
  if (!value)
    failInput("found '" + number + "', expected a finite number");
  action.value = *value;
  checkScalar(program, action.name, action.value);
}

static void parseName(const nc_program &program, const std::string &text, PhaseAction &action) {
  action.kind = text == kResetStates ? PhaseAction::Kind::Reset : PhaseAction::Kind::Entry;
  action.name = text;
  std::set<std::string> known = phaseNames(program);
  if (action.kind == PhaseAction::Kind::Entry && !known.count(text))
    failInput(format("model '%s' has nothing called '%s' to run", program.model, text.c_str()),
              "it has " + join(known) + "; other actions are NAME=VALUE, of a scalar, and " + kResetStates);
}

PhaseAction PhaseAction::parse(const nc_program &program, const std::string &option) {
  try {
    size_t colon = option.find(':');
    PhaseAction action;
    action.option = option;
    action.time = parseTime(option, colon);
    std::string text = option.substr(colon + 1);
    if (text.find('=') == text.npos)
      parseName(program, text, action);
    else
      parseScalar(program, text, action);
    return action;
  } catch (const Error &problem) {
    failInput("--at " + option + ": " + problem.what(), problem.note);
  }
}

std::string PhaseAction::text() const { return kind == Kind::Scalar ? name + "=" + shortest(value) : name; }

std::vector<NamedValue> PhaseAction::perform(Session &session, int64_t scheduleSteps, uint64_t seed) const {
  std::vector<NamedValue> outputs;
  if (kind == Kind::Scalar) {
    session.setScalar(name, value);
  } else if (kind == Kind::Reset) {
    initializeStates(session, seed);
  } else {
    const nc_entry &entry = getEntry(session.program, std::string(kPrefix) + name);
    session.fillScalars(entry, step, scheduleSteps);
    session.run(entry);
    appendScalarOutputs(session, entry, outputs);
  }
  return outputs;
}

} // namespace nc
