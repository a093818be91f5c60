#include "runtime/report/LogReader.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include <nlohmann/json.hpp>
#include <sstream>

namespace nc {

using Json = nlohmann::json;

static void addRow(Series &series, const Json &row) {
  double step = row["step"];
  // What happened between steps has rows of its own, which are told apart by what it was.
  std::string what =
      row.contains("phase") && row["phase"].is_string() ? "phase " + row["phase"].get<std::string>() + " " : "";
  for (const auto &[key, value] : row.items()) {
    if (key == "step")
      continue;
    if (value.is_number())
      series[what + key].push_back({step, value});
    for (size_t i = 0; value.is_array() && i < value.size(); ++i)
      if (value[i].is_number())
        series[what + key + "/" + std::to_string(i + 1)].push_back({step, value[i]});
  }
}

Series readLog(const std::string &path) {
  FileContent file(path);
  Series series;
  std::istringstream lines{std::string(file.bytes())};
  std::string line;
  for (int64_t number = 1; std::getline(lines, line); ++number) {
    Json row = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (lines.eof() && row.is_discarded())
      break;
    if (!row.is_object() || !row.contains("step") || !row["step"].is_number())
      failInput(format("'%s':%lld: expected a JSON object with a number \"step\"", path.c_str(), wide(number)),
                "this reads what 'train --log' wrote");
    addRow(series, row);
  }
  return series;
}

void checkOut(const std::vector<std::string> &logs, const std::string &out) {
  checkWritable(out, "--out");
  std::vector<NamedPath> inputs;
  for (const std::string &log : logs)
    inputs.push_back({"this command", log});
  checkOutputs(inputs, {{"--out", out}});
}

} // namespace nc
