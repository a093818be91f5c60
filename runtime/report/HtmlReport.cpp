#include "runtime/report/HtmlReport.h"
#include "runtime/report/Escape.h"
#include <nlohmann/json.hpp>

namespace nc {

using Json = nlohmann::ordered_json;

static constexpr size_t kPointsPerCurve = 600;

/// Charts in their order: title, unit, keys. Absent keys are left out, charts without any as well.
static const struct {
  const char *title, *unit;
  std::vector<std::string> keys;
} kCharts[] = {
    {"Loss", "nats per token", {"loss", "val_loss"}},
    {"Bits per byte", "", {"bpb", "val_bpb"}},
    {"Bits per byte after each loop",
     "validation",
     {"val_bpb_loop/1", "val_bpb_loop/2", "val_bpb_loop/3", "val_bpb_loop/4", "val_bpb_loop/5", "val_bpb_loop/6",
      "val_bpb_loop/7", "val_bpb_loop/8"}},
    {"Exit depth", "loops", {"exit_depth", "val_exit_depth"}},
    {"Learning rate", "", {"lr"}},
    {"Gradient norm", "", {"grad_norm"}},
    {"Speed", "tokens per second", {"tok_s"}},
    {"MFU", "share of the measured f32 peak", {"mfu"}},
};

extern const char *const kReportStyle, *const kReportScript; // ReportPage.cpp

static Json chartsOf(const std::vector<ReportedRun> &runs) {
  Json charts = Json::array();
  for (const auto &chart : kCharts) {
    Json curves = Json::array();
    for (size_t run = 0; run < runs.size(); ++run)
      for (const std::string &key : chart.keys) {
        auto found = runs[run].series.find(key);
        if (found == runs[run].series.end())
          continue;
        Json points = Json::array();
        for (const Point &any : thinOut(found->second, kPointsPerCurve)) {
          Point point = drawable(any);
          points.push_back({point.x, point.y});
        }
        curves.push_back({{"run", run}, {"key", key}, {"points", points}});
      }
    if (!curves.empty())
      charts.push_back({{"title", chart.title}, {"unit", chart.unit}, {"curves", curves}});
  }
  return charts;
}

/// The last value of every series, and the lowest of losses.
static Json tableOf(const std::vector<ReportedRun> &runs) {
  Json rows = Json::array();
  std::map<std::string, std::vector<Json>> last;
  for (size_t run = 0; run < runs.size(); ++run)
    for (const auto &[key, points] : runs[run].series) {
      last[key].resize(runs.size());
      last[key][run] = points.back().y;
    }
  for (const auto &[key, values] : last)
    rows.push_back({{"key", key}, {"values", values}});
  return rows;
}

std::string htmlReport(const std::string &title, const std::vector<ReportedRun> &runs) {
  Json names = Json::array();
  for (const ReportedRun &run : runs)
    names.push_back(run.name);
  Json data = {{"runs", names}, {"charts", chartsOf(runs)}, {"table", tableOf(runs)}};
  std::string json = data.dump(-1, ' ', true, Json::error_handler_t::replace);
  // A name must neither end the script it stands in nor begin a comment; only names hold this.
  for (size_t at = 0; (at = json.find('<', at)) != json.npos;)
    json.replace(at, 1, "\\u003c");
  return "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
         escapeMarkup(title) + "</title>\n<style>" + kReportStyle + "</style>\n<h1>" + escapeMarkup(title) +
         "</h1>\n<div id=\"legend\"></div>\n<main id=\"charts\"></main>\n<table "
         "id=\"table\"></table>\n<script>\nconst data = " +
         json + ";\n" + kReportScript + "</script>\n</html>\n";
}

} // namespace nc
