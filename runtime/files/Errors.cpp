#include "runtime/files/Errors.h"
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace nc {

void failInput(const std::string &message, const std::string &note) { throw Error(ExitCode::BadInput, message, note); }

void failRun(const std::string &message, const std::string &note) { throw Error(ExitCode::RunFailed, message, note); }

std::string format(const char *pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(nullptr, 0, pattern, arguments);
  va_end(arguments);
  std::string text(length, '\0');
  vsnprintf(text.data(), length + 1, pattern, again);
  va_end(again);
  return text;
}

std::string shortest(double number) {
  for (int digits = 15; digits < 17; ++digits)
    if (std::string text = format("%.*g", digits, number); strtod(text.c_str(), nullptr) == number)
      return text;
  return format("%.17g", number);
}

} // namespace nc
