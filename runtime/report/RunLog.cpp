#include "runtime/report/RunLog.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include <filesystem>
#include <nlohmann/json.hpp>

namespace nc {

std::string rowsBefore(const std::string &path, int64_t firstStep) {
  FileContent file(path);
  std::string_view rest = file.bytes();
  std::string kept;
  for (size_t end; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1)) {
    std::string_view line = rest.substr(0, end);
    auto row = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    bool hasStep = row.is_object() && row.contains("step") && row["step"].is_number();
    if (!hasStep)
      failInput("--log: '" + path + "' is not the log of a run: found '" + std::string(line.substr(0, 60)) + "'",
                "name another file, or the log of the run that is resumed");
    if (row["step"] < firstStep)
      kept.append(line) += '\n';
  }
  return kept;
}

RunLog::RunLog(const std::string &path, const std::string &tensorboard, int64_t firstStep) {
  bool isContinued = firstStep > 0;
  if (!path.empty())
    file.emplace(path, "--log", isContinued);
  if (!path.empty() && isContinued && std::filesystem::is_regular_file(path))
    if (std::string kept = rowsBefore(path, firstStep); kept.size() != std::filesystem::file_size(path))
      file->replace(kept);
  if (!tensorboard.empty())
    events.emplace(tensorboard, firstStep);
}

void RunLog::write(int64_t step, const JsonLine &line) {
  if (file)
    file->append(line.text());
  if (events)
    events->write(step, line.numbers());
}

void RunLog::finish() {
  if (file)
    file->finish();
  if (events)
    events->finish();
}

} // namespace nc
