#include "runtime/app/RunApp.h"
#include "runtime/app/Signals.h"
#include "runtime/files/Errors.h"
#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace nc {

/// Puts something in the place of standard streams that are closed, on which reads and writes fail.
static void holdStandardStreams() {
  for (int stream : {0, 1, 2}) // the lowest number that is free is what `open` gives
    if (fcntl(stream, F_GETFD) < 0)
      (void)!open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY);
}

static int report(ExitCode code, const std::string &message, const std::string &note) {
  fflush(stdout);
  fprintf(stderr, "error: %s\n", message.c_str());
  if (!note.empty())
    fprintf(stderr, "note: %s\n", note.c_str());
  return int(code);
}

/// The exit code of a command that ended with `code`, now that all it printed must have arrived.
static int finishOutput(int code) {
  fflush(stdout);
  if (!ferror(stdout) || code != int(ExitCode::Ok))
    return code;
  // The stream does not keep the reason; the next write has it again.
  errno = 0;
  (void)!write(STDOUT_FILENO, "\n", 1);
  if (errno == EPIPE && isReaderLost()) // of which the command was told, and went on
    return code;
  std::string reason = errno ? std::string(": ") + strerror(errno) : "";
  return report(ExitCode::RunFailed, "cannot write the standard output" + reason, "");
}

/// What was wrong with the arguments, in our words where the parser's would mislead.
[[noreturn]] static void failArguments(const CLI::App &app, const CLI::ParseError &problem) {
  const CLI::App *chosen = &app;
  std::string command = app.get_name(), message = problem.what();
  while (!chosen->get_subcommands().empty()) {
    chosen = chosen->get_subcommands()[0];
    command += " " + chosen->get_name();
  }
  std::vector<std::string> unknown = app.remaining(/*recurse=*/true);
  bool lacksCommand = chosen->get_require_subcommand_min() > 0;
  if (lacksCommand)
    message = unknown.empty() ? "expected a command" : "no command '" + unknown[0] + "'";
  constexpr std::string_view kConversion = "Could not convert: "; // only of flags: see Options.h
  if (message.rfind(kConversion, 0) == 0)
    message = "found '" + message.substr(kConversion.size()) + "', expected no value";
  failInput(message, "see '" + command + " --help'");
}

/// Libraries' exceptions are told in our words.
static int runReported(const std::function<int()> &body) {
  try {
    return body();
  } catch (const Error &problem) {
    return report(problem.code, problem.what(), problem.note);
  } catch (const std::bad_alloc &) {
    return report(ExitCode::RunFailed, "out of memory", "'doctor' says how much there is");
  } catch (const std::filesystem::filesystem_error &problem) {
    return report(ExitCode::BadInput, "'" + problem.path1().string() + "': " + problem.code().message(), "");
  } catch (const std::exception &problem) {
    return report(ExitCode::RunFailed, "this program is at fault",
                  std::string("please report it, with the command and this: ") + problem.what());
  }
}

int reportErrors(const std::function<int()> &body) {
  holdStandardStreams();
  signal(SIGXFSZ, SIG_IGN); // a write beyond the limit fails instead
  return finishOutput(runReported(body));
}

int runApp(CLI::App &app, int argc, char **argv) {
  try {
    app.parse(argc, argv);
    return int(ExitCode::Ok);
  } catch (const CLI::ParseError &problem) {
    // Help is a "parse error" that exits with 0.
    if (problem.get_exit_code() != 0)
      failArguments(app, problem);
    return app.exit(problem);
  }
}

} // namespace nc
