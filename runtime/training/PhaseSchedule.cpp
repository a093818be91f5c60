#include "runtime/training/PhaseSchedule.h"
#include "runtime/files/Errors.h"
#include <algorithm>
#include <tuple>

namespace nc {

PhaseSchedule::PhaseSchedule(const nc_program &program, const std::vector<std::string> &options) {
  for (const std::string &option : options)
    list.push_back(PhaseAction::parse(program, option));
}

void PhaseSchedule::place(int64_t scheduleSteps, int64_t end) {
  for (PhaseAction &action : list) {
    action.step = action.time.in(scheduleSteps);
    if (action.step < end)
      continue;
    std::string steps = format("%lld", wide(end));
    failInput("--at " + action.option + ": step " + std::to_string(action.step) + " is never begun, the run has " +
                  steps + " steps",
              "the first is step 0; what happens after the last would train nothing");
  }
  auto place = [](const PhaseAction &action) {
    bool isScalar = action.kind == PhaseAction::Kind::Scalar;
    return std::make_tuple(action.step, !isScalar, isScalar ? action.name : "");
  };
  std::stable_sort(list.begin(), list.end(),
                   [&](const PhaseAction &a, const PhaseAction &b) { return place(a) < place(b); });
  checkTwice();
}

void PhaseSchedule::checkTwice() const {
  for (auto action = list.begin(); action != list.end(); ++action)
    for (auto other = list.begin(); other != action; ++other)
      if (other->step == action->step && other->kind == action->kind && other->name == action->name)
        failInput("--at " + other->option + " and --at " + action->option +
                  (action->kind == PhaseAction::Kind::Scalar ? " set the same scalar" : " do the same") +
                  " before the same step");
}

std::vector<std::string> PhaseSchedule::describe() const {
  std::vector<std::string> texts;
  for (const PhaseAction &action : list)
    texts.push_back(std::to_string(action.step) + ":" + action.text());
  return texts;
}

static std::vector<std::string> before(int64_t step, std::vector<std::string> described) {
  auto isLater = [&](const std::string &text) { return atoll(text.c_str()) >= step; };
  described.erase(std::remove_if(described.begin(), described.end(), isLater), described.end());
  return described;
}

void PhaseSchedule::checkPast(const std::vector<std::string> &described, int64_t step) const {
  std::vector<std::string> was = before(step, described), is = before(step, describe());
  auto [then, now] = std::mismatch(was.begin(), was.end(), is.begin(), is.end());
  if (then == was.end() && now == is.end())
    return;
  auto name = [](bool isThere, const std::string &text) { return isThere ? "--at " + text : "nothing"; };
  failInput(format("the run that is resumed stands at step %lld and had %s, where this one has %s", wide(step),
                   name(then != was.end(), then != was.end() ? *then : "").c_str(),
                   name(now != is.end(), now != is.end() ? *now : "").c_str()),
            "what is past cannot change: give what it had, or begin another run in another folder "
            "of checkpoints; percentages are of the schedule");
}

void PhaseSchedule::restoreScalars(Session &session, int64_t step) const {
  for (const PhaseAction &action : list)
    if (action.kind == PhaseAction::Kind::Scalar && action.step < step)
      session.setScalar(action.name, action.value);
}

} // namespace nc
