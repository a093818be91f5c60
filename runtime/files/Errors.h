// The one way to fail: an exception that becomes "error: …", "note: …" and an exit code.
//
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace nc {

/// What the process returns: 0 ok, 1 the run failed, 2 the user's input is wrong.
enum class ExitCode { Ok = 0, RunFailed = 1, BadInput = 2 };

/// Carries a message in the form "found …, expected …" and, if there is one, the way out.
class Error : public std::runtime_error {
public:
  Error(ExitCode code, const std::string &message, std::string note)
      : std::runtime_error(message), code(code), note(std::move(note)) {}

  const ExitCode code;
  const std::string note;
};

[[noreturn]] void failInput(const std::string &message, const std::string &note = "");
[[noreturn]] void failRun(const std::string &message, const std::string &note = "");

/// printf into a string.
std::string format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));
/// Numbers as %lld and %llu take them.
constexpr long long wide(int64_t number) { return number; }
constexpr unsigned long long wide(uint64_t number) { return number; }
/// The fewest digits that stand for the number.
std::string shortest(double number);

} // namespace nc
