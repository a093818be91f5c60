#include "runtime/config/Phases.h"
#include "runtime/files/Errors.h"
#include "runtime/training/PhaseAction.h"

namespace nc {

static constexpr std::string_view kScalars = "phase[].set.";

static const Setting *find(const SettingTable &phase, const char *path) {
  auto found = phase.values.find(path);
  return found == phase.values.end() ? nullptr : &found->second;
}

/// By the settings they come from.
static std::vector<std::pair<const Setting *, std::string>> actionsOf(const SettingTable &phase) {
  std::vector<std::pair<const Setting *, std::string>> actions;
  for (const auto &[path, setting] : phase.values)
    if (path.rfind(kScalars, 0) == 0)
      actions.emplace_back(&setting, path.substr(kScalars.size()) + "=" + setting.text);
  if (const Setting *name = find(phase, "phase[].run"))
    actions.emplace_back(name, name->text);
  if (const Setting *restart = find(phase, "phase[].restart"); restart && restart->number != 0)
    actions.emplace_back(restart, kResetStates);
  return actions;
}

std::vector<std::string> phaseOptions(const SettingTable &phase) {
  std::vector<std::string> options;
  if (const Setting *time = find(phase, "phase[].at"))
    for (const auto &[setting, action] : actionsOf(phase))
      options.push_back(time->text + ":" + action);
  return options;
}

std::vector<Remark> checkPhases(const Config &config) {
  std::vector<Remark> remarks;
  for (const SettingTable &phase : config.phases()) {
    if (!find(phase, "phase[].at"))
      remarks.push_back({true, phase.place, "this [[phase]] has no 'at'",
                         "say before which step it is, as in at = 500 or at = \"50%\""});
    if (actionsOf(phase).empty())
      remarks.push_back({true, phase.place, "this [[phase]] does nothing",
                         "give it set = { NAME = VALUE }, run = \"NAME\" or restart = true"});
  }
  return remarks;
}

std::vector<Remark> comparePhases(const Config &config, const nc_program &program) {
  std::vector<Remark> remarks;
  for (const SettingTable &phase : config.phases())
    for (const auto &[setting, action] : actionsOf(phase)) {
      try {
        PhaseAction::parse(program, "0:" + action);
      } catch (const Error &problem) {
        std::string message = problem.what();
        // Nobody gave the option that it begins with.
        remarks.push_back({true, setting->place, message.substr(message.find(": ") + 2), problem.note});
      }
    }
  return remarks;
}

} // namespace nc
