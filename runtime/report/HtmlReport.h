// A page that shows runs: charts to point at, and a table of where they ended.
//
#pragma once

#include "runtime/report/LogReader.h"

namespace nc {

struct ReportedRun {
  std::string name;
  Series series;
};

/// One file that needs nothing else. When a browser has drawn all charts, the attribute
/// data-charts of its root element says how many.
std::string htmlReport(const std::string &title, const std::vector<ReportedRun> &runs);

} // namespace nc
