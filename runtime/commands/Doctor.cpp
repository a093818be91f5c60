#include "runtime/commands/Commands.h"
#include "runtime/doctor/Finding.h"
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace nc {

static std::vector<Finding> examine(const std::string &target) {
  std::vector<Finding> findings = examineMachine("");
  findings.push_back({"target", !target.empty(), target,
                      target.empty() ? "no target row runs on this processor; compile for another with "
                                       "nanochat-opt --target=x86-64-v3"
                                     : "what decides which kernels run"});
  for (const Finding &finding : examineSoftware())
    findings.push_back(finding);
  findings.push_back(examineCuda());
  findings.push_back(examineNccl());
  return findings;
}

static void printText(const std::vector<Finding> &findings) {
  for (const Finding &finding : findings) {
    std::string text = finding.value.empty() ? finding.meaning : finding.value + ": " + finding.meaning;
    printf("%-8s %-8s %s\n", finding.name.c_str(), finding.isFound ? "found" : "missing", text.c_str());
  }
}

static void printJson(const std::vector<Finding> &findings) {
  auto list = nlohmann::ordered_json::array();
  for (const Finding &finding : findings)
    list.push_back(
        {{"name", finding.name}, {"found", finding.isFound}, {"value", finding.value}, {"meaning", finding.meaning}});
  // Names of devices and folders may hold any bytes.
  printf("%s\n", list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void addDoctorCommand(CLI::App &app, const std::string &target) {
  auto isJson = std::make_shared<bool>(false);
  CLI::App *command = app.add_subcommand("doctor", "Say what this machine has, and what that means; never fails");
  command->add_flag("--json", *isJson, "Print one JSON array");
  command->callback([isJson, target] {
    std::vector<Finding> findings = examine(target);
    *isJson ? printJson(findings) : printText(findings);
  });
}

} // namespace nc
