// A file that grows with a run and must not end it.
//
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace nc {

class LogFile {
public:
  /// Goes on behind what is there, or begins anew, while no other process writes there. `option`
  /// names it in messages. Fails (exit 2) if that cannot be.
  LogFile(const std::string &path, const std::string &option, bool isContinued);
  ~LogFile();
  LogFile(const LogFile &) = delete;
  LogFile &operator=(const LogFile &) = delete;

  /// Makes `content` all that the file holds.
  void replace(std::string_view content);
  /// Readable for others from then on. Never fails: what cannot be written (a full disk) waits in
  /// memory, with a warning, and is tried again; no record is ever torn by another.
  void append(std::string_view record);
  /// Tries again what waits, and writes a file anew that was removed. Fails (exit 1) if something
  /// is still missing.
  void finish();

private:
  void open(bool isContinued);
  /// Writes what waits as far as it goes; whether that was all.
  bool flush();
  /// Brings back a file that somebody removed, as long as it is open.
  void restore();

  std::string path, option;
  int descriptor = -1;
  bool isToClear = false; // what is there gives way to the first record
  std::string waiting;
  int64_t lost = 0;   // records that memory had no room for
  std::string reason; // why the last attempt failed
  std::chrono::steady_clock::time_point attempted;
};

} // namespace nc
