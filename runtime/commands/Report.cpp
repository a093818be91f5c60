#include "runtime/commands/Commands.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include "runtime/report/HtmlReport.h"
#include <CLI/CLI.hpp>
#include <filesystem>

namespace nc {

namespace {
struct ReportOptions {
  std::vector<std::string> logs;
  std::string out = "report.html", title;
};
} // namespace

static void writeReport(const ReportOptions &options) {
  checkOut(options.logs, options.out);
  std::vector<ReportedRun> runs;
  for (const std::string &log : options.logs) {
    runs.push_back({options.logs.size() > 1 ? log : std::filesystem::path(log).filename().string(), readLog(log)});
    if (runs.back().series.empty())
      failInput("'" + log + "' holds no numbers");
  }
  std::string page = htmlReport(options.title.empty() ? runs[0].name : options.title, runs);
  writeFile(options.out, page);
  printf("%s: %zu bytes\n", options.out.c_str(), page.size());
}

void addReportCommand(CLI::App &app) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App *command = app.add_subcommand("report", "Make a page of one or several runs, to look at in a browser");
  command->add_option("logs", options->logs, "What 'train --log' wrote")->type_name("LOG.jsonl")->required();
  command->add_option("-o,--out", options->out, "The page")->type_name("FILE.html")->capture_default_str();
  command->add_option("--title", options->title, "Title of the page [name of the first log]");
  command->callback([options] { writeReport(*options); });
}

} // namespace nc
