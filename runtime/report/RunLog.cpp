// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/RunLog.h"

#include "runtime/Errors.h"
#include "runtime/Files.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace nc {

void dropRows(const std::string &path, int64_t firstStep) {
  FileContent file(path);
  std::string_view rest = file.bytes();
  std::string kept;
  for (size_t end; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1)) {
    std::string_view line = rest.substr(0, end);
    auto row = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    bool hasStep = row.is_object() && row.contains("step") && row["step"].is_number();
    if (!hasStep)
      failInput("--log: '" + path + "' is not the log of a run: found '" +
                    std::string(line.substr(0, 60)) + "'",
                "name another file, or the log of the run that is resumed");
    if (row["step"] < firstStep)
      kept.append(line) += '\n';
  }
  if (kept.size() == file.bytes().size())
    return;
  AtomicFile shorter(path);
  shorter.write(kept.data(), kept.size());
  shorter.commit();
}

RunLog::RunLog(const std::string &path, const std::string &tensorboard, int64_t firstStep)
    : path(path) {
  if (!path.empty()) {
    if (firstStep > 0 && std::filesystem::is_regular_file(path))
      dropRows(path, firstStep);
    file = fopen(path.c_str(), firstStep > 0 ? "a" : "w");
    if (!file)
      failInput(format("--log: cannot write '%s': %s", path.c_str(), strerror(errno)));
  }
  if (!tensorboard.empty())
    events.emplace(tensorboard, firstStep);
}

RunLog::~RunLog() {
  if (file)
    fclose(file);
}

void RunLog::write(int64_t step, const JsonLine &line) {
  if (file && (fputs(line.text().c_str(), file) < 0 || fflush(file) != 0))
    failRun(format("cannot write '%s': %s", path.c_str(), strerror(errno)));
  if (events)
    events->write(step, line.numbers());
}

} // namespace nc
