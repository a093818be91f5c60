#include "runtime/commands/Commands.h"
#include "runtime/config/Apply.h"
#include "runtime/config/Rules.h"
#include "runtime/config/Schema.h"
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace nc {

namespace {
struct ConfigCommandOptions : ConfigOptions {
  bool isResolved = false, isSchema = false;
};
} // namespace

/// A value as TOML writes it; JSON's quotes and escapes are TOML's.
static std::string tomlText(const Setting &setting) {
  if (setting.key->type == KeyType::Text)
    return nlohmann::json(setting.text).dump();
  if (setting.key->type == KeyType::Time && setting.text.back() == '%')
    return "\"" + setting.text + "\"";
  return setting.key->type == KeyType::TextList ? nlohmann::json(setting.list).dump() : setting.text;
}

static void printSetting(const std::string &name, const Setting &setting) {
  printf("%-40s # %s\n", (name + " = " + tomlText(setting)).c_str(), setting.place.c_str());
}

static void printPhases(const Config &config) {
  for (const SettingTable &phase : config.phases()) {
    printf("\n[[phase]]\n");
    for (const auto &[path, setting] : phase.values)
      printSetting(path.substr(path.find('.') + 1), setting);
  }
}

/// Every setting in the order of the table of keys, and where it comes from.
static void printResolved(const Config &config) {
  std::string table;
  for (const Key &key : knownKeys())
    for (const auto &[path, setting] : config.settings()) {
      if (setting.key != &key)
        continue;
      size_t dot = path.rfind('.');
      if (path.substr(0, dot) != table)
        printf("%s[%s]\n", table.empty() ? "" : "\n", (table = path.substr(0, dot)).c_str());
      printSetting(path.substr(dot + 1), setting);
    }
  printPhases(config);
}

static void runConfig(const ConfigCommandOptions &options) {
  if (options.isSchema) {
    fputs(configSchema().c_str(), stdout);
    return;
  }
  Config config(options.path, options.overrides);
  std::vector<Remark> remarks = config.remarks, more = checkConfig(config, Machine::here());
  remarks.insert(remarks.end(), more.begin(), more.end());
  reportRemarks(remarks);
  if (options.isResolved)
    printResolved(config);
  else
    printf("%zu settings, %zu phases, %zu warnings\n", config.settings().size(), config.phases().size(),
           remarks.size());
}

void addConfigCommand(CLI::App &app) {
  auto options = std::make_shared<ConfigCommandOptions>();
  CLI::App *command = app.add_subcommand("config", "Check a configuration, print it or its JSON schema");
  command->add_option("file", options->path, "A TOML file")->type_name("FILE.toml");
  command->add_option("--set", options->overrides, "A key and its value, which win over the file's")
      ->type_name("KEY=VALUE");
  command->add_flag("--resolved", options->isResolved, "Print all settings and where they come from");
  command->add_flag("--schema", options->isSchema, "Print the JSON schema of configurations");
  command->callback([options] { runConfig(*options); });
}

} // namespace nc
