#include "runtime/report/Terminal.h"
#include "runtime/files/Numbers.h"
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace nc {

static std::string variable(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

bool isRewritable() {
  std::string type = variable("TERM");
  return isatty(STDOUT_FILENO) && !type.empty() && type != "dumb";
}

size_t terminalColumns() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  size_t told = parseInteger<size_t>(variable("COLUMNS")).value_or(0);
  return told > 0 ? told : 80;
}

std::string firstCharacters(const std::string &line, size_t count) {
  size_t end = 0;
  for (size_t seen = 0; end < line.size(); ++end) {
    bool isContinued = (line[end] & 0xc0) == 0x80; // a byte within a character
    if (!isContinued && seen++ == count)
      break;
  }
  return line.substr(0, end);
}

} // namespace nc
