#include "runtime/commands/Options.h"
#include "runtime/device/ProgramChoice.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Program.h"
#include <CLI/CLI.hpp>
#include <cmath>

namespace nc {

CLI::Validator numberIn(double low, double high) {
  auto check = [low, high](std::string &text) -> std::string {
    std::optional<double> value = parseNumber(text);
    if (value && *value >= low && *value <= high)
      return "";
    std::string range = rangeText(low, high);
    return "found '" + text + "', expected a finite number" + (range.empty() ? "" : " ") + range;
  };
  return CLI::Validator(check, "");
}

CLI::Validator integerIn(int64_t low, uint64_t high) {
  auto normalize = [low, high](std::string &text) -> std::string {
    if (auto value = parseInteger<int64_t>(text); value && *value < 0 && *value >= low)
      return "";
    if (auto value = parseInteger<uint64_t>(text); value && *value <= high && (low < 0 || *value >= uint64_t(low))) {
      text = std::to_string(*value);
      return "";
    }
    return format("found '%s', expected an integer from %lld to %llu", text.c_str(), wide(low), wide(high));
  };
  return CLI::Validator(normalize, "");
}

void addInitOption(CLI::App &command, std::string &path) {
  command.add_option("--init", path, "Trained parameters: a model file or a checkpoint")
      ->type_name("PATH")
      ->required()
      ->group("Files");
}

void addSessionOptions(CLI::App &command, const nc_program &program, SessionOptions &options) {
  command.add_option("--threads", options.threads, "Threads; the results are the same bits for any number")
      ->transform(integerIn(1, 1024))
      ->capture_default_str()
      ->group("Machine");
  command
      .add_flag("--pin", options.isPinned, "Keep each thread on its processor; for a machine that does nothing else")
      ->group("Machine");
  command
      .add_option("--device", options.device, "Where to run: cpu, cuda or cuda:NUMBER; by default the best there is")
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
        ->check(numberIn(leastOfScalar(scalar)))
        ->group("Model scalars");
  }
}

void addRankOptions(CLI::App &command, RankOptions &options, int64_t least) {
  constexpr const char *kGroup = "Ranks";
  command
      .add_option("--ranks", options.ranks,
                  "Processes to start here; a launcher says it itself [torchrun, mpirun, srun]")
      ->transform(integerIn(least, 1 << 10))
      ->group(kGroup);
  command
      .add_option("--comm", options.comm,
                  "How they exchange bytes: auto, shm (one host), tcp, mpi or nccl (between GPUs)")
      ->capture_default_str()
      ->group(kGroup);
  command.add_option("--comm-timeout", options.timeout, "Seconds to wait for a rank")
      ->check(numberIn(1e-3, 1e6))
      ->capture_default_str()
      ->group(kGroup);
}

static std::pair<std::string, double> parseScalar(const std::string &text) {
  size_t equals = text.find('=');
  std::optional<double> value;
  if (equals != text.npos)
    value = parseNumber(text.substr(equals + 1));
  if (!value)
    failInput("--scalar: found '" + text + "', expected NAME=NUMBER with a finite number");
  return {text.substr(0, equals), *value};
}

std::map<std::string, double> givenScalars(const SessionOptions &options) {
  std::map<std::string, double> scalars = options.shortcuts;
  for (const std::string &text : options.scalars) {
    auto [name, value] = parseScalar(text);
    if (!scalars.emplace(name, value).second)
      failInput("scalar '" + name + "' is given twice", "one value holds from the start; --at gives "
                                                        "it another later");
  }
  return scalars;
}

std::unique_ptr<Session> makeSession(const nc_program &program, const SessionOptions &options) {
  auto session =
      std::make_unique<Session>(program, options.threads, options.isPinned ? Placement::Pinned : Placement::Free,
                                parseDevice(options.device).index);
  for (const auto &[name, value] : givenScalars(options))
    session->setScalar(name, value);
  return session;
}

} // namespace nc
