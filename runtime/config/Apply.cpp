#include "runtime/config/Apply.h"
#include "runtime/config/Phases.h"
#include "runtime/config/Rules.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Processors.h"
#include "runtime/program/Program.h"
#include <CLI/CLI.hpp>
#include <algorithm>

namespace nc {

void addConfigOptions(CLI::App &command, ConfigOptions &options) {
  command.add_option("--config", options.path, "A TOML file; see 'config'. Options given here win over it")
      ->type_name("FILE.toml")
      ->group("Configuration");
  command.add_option("--set", options.overrides, "A key of it and its value")
      ->type_name("KEY=VALUE")
      ->group("Configuration");
}

std::vector<Remark> compareWithProgram(const Config &config, const nc_program &program) {
  std::vector<Remark> remarks;
  auto warn = [&](const Setting &setting, const std::string &message, const std::string &note = "") {
    remarks.push_back({false, setting.place, message, note});
  };
  std::set<std::string> scalars = userScalars(program);
  for (const auto &[path, setting] : config.settings()) {
    const char *target = setting.key->target;
    if (setting.key->use == KeyUse::Unused)
      warn(setting, "'" + path + "' is not used: " + target);
    if (setting.key->use == KeyUse::Scalar && !scalars.count(target))
      warn(setting, "'" + path + "' is not used: the model has no scalar '" + std::string(target) + "'");
    if (setting.key->use == KeyUse::Size && double(sizeOr(program, target, 0)) != setting.number)
      warn(setting,
           format("'%s' is %.0f, the program was compiled for %s=%lld, which counts", path.c_str(), setting.number,
                  target, wide(sizeOr(program, target, 0))),
           format("compile with: nanochat-opt MODEL.mlir --target=native --emit=exe --set %s=%.0f", target,
                  setting.number));
  }
  const Setting *world = config.find("distributed.world_size");
  if (int64_t ranks = sizeOr(program, "ranks", 1); world && world->number != double(ranks))
    warn(*world,
         format("'distributed.world_size' is %.0f, the program was compiled for %lld rank%s, which counts",
                world->number, wide(ranks), ranks == 1 ? "" : "s"),
         format("compile with: nanochat-opt MODEL.mlir --target=native --emit=exe --ranks=%.0f", world->number));
  const Setting *vocab = config.find("model.vocab_size");
  if (vocab && vocab->number != double(program.vocab))
    warn(*vocab, format("'model.vocab_size' is %.0f, the program's model has %lld", vocab->number, wide(program.vocab)),
         "the model file says it");
  std::vector<Remark> more = comparePhases(config, program);
  remarks.insert(remarks.end(), more.begin(), more.end());
  return remarks;
}

/// Whether the command line gave an option, by whichever of its names.
static bool isGiven(const CLI::App &command, const std::string &flag) {
  const CLI::Option *option = command.get_option_no_throw("--" + flag);
  return option && option->count() > 0;
}

static void setOption(CLI::App &command, const std::string &flag, const std::vector<std::string> &values,
                      const std::string &place) {
  CLI::Option *option = command.get_option_no_throw("--" + flag);
  if (!option)
    failRun(place + ": this command has no option --" + flag);
  try {
    for (const std::string &value : values)
      option->add_result(value);
    option->run_callback();
  } catch (const CLI::Error &problem) {
    failInput(place + ": " + problem.what());
  }
}

static void setFlags(CLI::App &command, const Config &config) {
  bool wantsEvents = config.number("logging.use_tensorboard").value_or(1) != 0;
  for (const auto &[path, setting] : config.settings()) {
    if (setting.key->use != KeyUse::Flag || isGiven(command, setting.key->target))
      continue;
    bool isOff = setting.key->type == KeyType::Boolean && setting.number == 0;
    // Options that a folder of checkpoints goes with mean nothing without it.
    bool lacksFolder =
        path.rfind("checkpointing.", 0) == 0 && !config.find("checkpointing.dir") && !isGiven(command, "checkpoints");
    bool isTooMany = path == "hardware.cpu_threads" && setting.number > availableProcessors();
    if (isOff || isTooMany || lacksFolder || (path == "logging.tensorboard_dir" && !wantsEvents))
      continue;
    setOption(command, setting.key->target, {setting.text}, setting.place);
  }
}

static void setScalars(CLI::App &command, const Config &config, const nc_program &program) {
  std::set<std::string> scalars = userScalars(program), given;
  CLI::Option *option = command.get_option_no_throw("--scalar");
  if (!option)
    return;
  for (const std::string &text : option->results())
    given.insert(text.substr(0, text.find('=')));
  std::vector<std::string> values;
  for (const auto &[path, setting] : config.settings()) {
    std::string name = setting.key->target, flag = name;
    std::replace(flag.begin(), flag.end(), '_', '-');
    if (setting.key->use == KeyUse::Scalar && scalars.count(name) && !given.count(name) && !isGiven(command, flag))
      values.push_back(name + "=" + setting.text);
  }
  if (!values.empty())
    setOption(command, "scalar", values, "scalars of the configuration");
}

static void setData(CLI::App &command, const Config &config) {
  auto sources = config.below("data.sources."), mix = config.below("data.mix.");
  if (sources.empty() || isGiven(command, "data"))
    return;
  std::vector<std::string> data, shares;
  for (const auto &[name, path] : sources)
    data.push_back(name + "=" + path->text);
  for (const auto &[name, share] : mix)
    if (sources.count(name))
      shares.push_back(name + "=" + share->text);
  setOption(command, "data", data, sources.begin()->second->place);
  if (!shares.empty() && !isGiven(command, "mix"))
    setOption(command, "mix", shares, mix.begin()->second->place);
}

static void setPhases(CLI::App &command, const Config &config) {
  if (config.phases().empty() || isGiven(command, "at"))
    return;
  std::vector<std::string> values;
  for (const SettingTable &phase : config.phases())
    for (const std::string &value : phaseOptions(phase))
      values.push_back(value);
  setOption(command, "at", values, config.phases().front().place);
}

void applyConfig(CLI::App &command, const nc_program &program, const ConfigOptions &options) {
  if (options.path.empty() && options.overrides.empty())
    return;
  Config config(options.path, options.overrides);
  std::vector<Remark> remarks = config.remarks;
  for (const auto &more : {checkConfig(config, Machine::here()), compareWithProgram(config, program)})
    remarks.insert(remarks.end(), more.begin(), more.end());
  auto isUnsaid = [&](const Remark &remark) { return options.isQuiet && !remark.isError; };
  remarks.erase(std::remove_if(remarks.begin(), remarks.end(), isUnsaid), remarks.end());
  reportRemarks(remarks);
  setFlags(command, config);
  setScalars(command, config, program);
  setData(command, config);
  setPhases(command, config);
}

} // namespace nc
