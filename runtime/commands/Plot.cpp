// SPDX-License-Identifier: Apache-2.0
#include "runtime/Errors.h"
#include "runtime/Files.h"
#include "runtime/Svg.h"
#include "runtime/commands/Commands.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace nc {

static LossCurve readLog(const std::string &path) {
  MappedFile file(path);
  LossCurve curve;
  std::istringstream lines{std::string(file.bytes())};
  std::string line;
  for (int64_t number = 1; std::getline(lines, line); ++number) {
    // The last line of a running or killed run may be cut.
    auto row = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (lines.eof() && row.is_discarded())
      break;
    if (!row.is_object() || !row.contains("step") || !row["step"].is_number())
      failInput(format("'%s':%lld: expected a JSON object with a number \"step\"", path.c_str(),
                       static_cast<long long>(number)),
                "plot reads what 'train --log' wrote");
    double step = row["step"];
    if (row.contains("loss") && row["loss"].is_number())
      curve.train.push_back({step, row["loss"]});
    if (row.contains("val_loss") && row["val_loss"].is_number())
      curve.validation.push_back({step, row["val_loss"]});
  }
  if (curve.train.empty() && curve.validation.empty())
    failInput(format("'%s' holds no losses", path.c_str()));
  return curve;
}

void addPlotCommand(CLI::App &app) {
  struct PlotOptions {
    std::string log, out = "loss.svg", title;
  };
  auto options = std::make_shared<PlotOptions>();
  CLI::App *command = app.add_subcommand("plot", "Draw the loss curve of a log");
  command->add_option("log", options->log, "What 'train --log' wrote")
      ->type_name("LOG.jsonl")
      ->required();
  command->add_option("-o,--out", options->out, "The picture")
      ->type_name("FILE.svg")
      ->capture_default_str();
  command->add_option("--title", options->title, "Title of the picture [name of the log]");
  command->callback([options] {
    checkWritable(options->out, "--out");
    LossCurve curve = readLog(options->log);
    curve.title = options->title.empty() ? std::filesystem::path(options->log).filename().string()
                                         : options->title;
    std::string picture = drawSvg(curve);
    AtomicFile file(options->out);
    file.write(picture.data(), picture.size());
    file.commit();
  });
}

} // namespace nc
