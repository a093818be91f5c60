// SPDX-License-Identifier: Apache-2.0
#include "runtime/commands/Options.h"

#include "runtime/Errors.h"
#include "runtime/Program.h"
#include "runtime/device/ProgramChoice.h"

#include <CLI/CLI.hpp>
#include <cmath>

namespace nc {

CLI::Validator numberIn(double low, double high) {
  auto check = [low, high](std::string &text) -> std::string {
    char *end = nullptr;
    double value = strtod(text.c_str(), &end);
    if (end != text.c_str() && *end == '\0' && value >= low && value <= high)
      return "";
    std::string expected = std::isinf(high) ? format("a number of at least %.10g", low)
                                            : format("a number from %.10g to %.10g", low, high);
    return "found '" + text + "', expected " + expected;
  };
  return CLI::Validator(check, "");
}

CLI::Validator atLeast(double low) { return numberIn(low, INFINITY); }

void addSessionOptions(CLI::App &command, const nc_program &program, SessionOptions &options) {
  command
      .add_option("--threads", options.threads,
                  "Threads; the results are the same bits for any number")
      ->check(numberIn(1, 1024))
      ->capture_default_str()
      ->group("Machine");
  command
      .add_flag("--pin", options.isPinned,
                "Keep each thread on its processor; for a machine that does nothing else")
      ->group("Machine");
  command
      .add_option("--device", options.device,
                  "Where to run: cpu, cuda or cuda:NUMBER; by default the best there is")
      ->type_name("DEVICE")
      ->group("Machine");
  std::set<std::string> known = userScalars(program);
  if (known.empty())
    return;
  command.add_option("--scalar", options.scalars, "Set a scalar of the model: " + join(known))
      ->type_name("NAME=VALUE")
      ->group("Model scalars");
  const std::pair<const char *, const char *> shortForms[] = {
      {"lr", "--lr"}, {"weight_decay", "--weight-decay"}, {"beta", "--beta"}};
  for (const auto &[name, flag] : shortForms) {
    if (known.count(name) == 0)
      continue;
    std::string scalar = name;
    command
        .add_option_function<double>(
            flag, [&options, scalar](double value) { options.shortcuts[scalar] = value; },
            "Short for --scalar " + scalar + "=VALUE")
        ->group("Model scalars");
  }
}

static std::pair<std::string, double> parseScalar(const std::string &text) {
  size_t equals = text.find('=');
  const char *number = equals == std::string::npos ? "" : text.c_str() + equals + 1;
  char *end = nullptr;
  double value = strtod(number, &end);
  if (end == number || *end != '\0')
    failInput("--scalar: found '" + text + "', expected NAME=NUMBER");
  return {text.substr(0, equals), value};
}

static void setFinite(Session &session, const std::string &name, double value) {
  if (!std::isfinite(value))
    failInput(format("scalar '%s': found %g, expected a finite number", name.c_str(), value));
  session.setScalar(name, value);
}

std::map<std::string, double> givenScalars(const SessionOptions &options) {
  std::map<std::string, double> scalars = options.shortcuts;
  for (const std::string &text : options.scalars) {
    auto [name, value] = parseScalar(text);
    scalars[name] = value;
  }
  return scalars;
}

std::unique_ptr<Session> makeSession(const nc_program &program, const SessionOptions &options) {
  auto session = std::make_unique<Session>(program, options.threads,
                                           options.isPinned ? Placement::Pinned : Placement::Free,
                                           parseDevice(options.device).index);
  for (const auto &[name, value] : givenScalars(options))
    setFinite(*session, name, value);
  return session;
}

} // namespace nc
