#include "runtime/commands/Commands.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include "runtime/report/LogReader.h"
#include "runtime/report/Svg.h"
#include <CLI/CLI.hpp>
#include <filesystem>

namespace nc {

static LossCurve readCurve(const std::string &path) {
  Series series = readLog(path);
  LossCurve curve{std::filesystem::path(path).filename().string(), series["loss"], series["val_loss"]};
  if (curve.train.empty() && curve.validation.empty())
    failInput(format("'%s' holds no losses", path.c_str()));
  return curve;
}

static std::string draw(std::vector<LossCurve> curves, const std::string &title) {
  if (curves.size() > 1)
    return drawComparison(title, std::move(curves));
  if (!title.empty())
    curves[0].title = title;
  return drawSvg(curves[0]);
}

void addPlotCommand(CLI::App &app) {
  struct PlotOptions {
    std::vector<std::string> logs;
    std::string out = "loss.svg", title;
  };
  auto options = std::make_shared<PlotOptions>();
  CLI::App *command = app.add_subcommand("plot", "Draw the loss curve of a log, or those of several");
  command->add_option("log", options->logs, "What 'train --log' wrote")->type_name("LOG.jsonl")->required();
  command->add_option("-o,--out", options->out, "The picture")->type_name("FILE.svg")->capture_default_str();
  command->add_option("--title", options->title, "Title of the picture [name of the log]");
  command->callback([options] {
    checkOut(options->logs, options->out);
    std::vector<LossCurve> curves;
    for (const std::string &log : options->logs)
      curves.push_back(readCurve(log));
    writeFile(options->out, draw(std::move(curves), options->title));
  });
}

} // namespace nc
