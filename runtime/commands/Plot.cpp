// SPDX-License-Identifier: Apache-2.0
#include "runtime/Errors.h"
#include "runtime/Files.h"
#include "runtime/commands/Commands.h"
#include "runtime/report/LogReader.h"

#include <CLI/CLI.hpp>
#include <filesystem>

namespace nc {

static LossCurve readCurve(const std::string &path) {
  Series series = readLog(path);
  LossCurve curve{"", series["loss"], series["val_loss"]};
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
    LossCurve curve = readCurve(options->log);
    curve.title = options->title.empty() ? std::filesystem::path(options->log).filename().string()
                                         : options->title;
    std::string picture = drawSvg(curve);
    AtomicFile file(options->out);
    file.write(picture.data(), picture.size());
    file.commit();
  });
}

} // namespace nc
