// TensorBoard's event files: TFRecords of Event protocol buffers with scalar summaries.
//
#pragma once

#include "runtime/report/LogFile.h"
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nc {

class EventFile {
public:
  /// Begins a file of its own in `folder`, which is made if it is not there. What earlier files say
  /// of `firstStep` and later steps no longer counts. Fails (exit 2) if it cannot be made.
  EventFile(const std::string &folder, int64_t firstStep);

  /// Never fails; see LogFile.
  void write(int64_t step, const std::vector<std::pair<std::string, double>> &values);

  /// Fails (exit 1) if the file is not complete.
  void finish() { file->finish(); }

private:
  void writeRecord(const std::string &event);

  std::optional<LogFile> file;
};

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4).
uint32_t crc32c(std::string_view bytes);

} // namespace nc
