// SPDX-License-Identifier: Apache-2.0
#include "runtime/RunApp.h"

#include "runtime/Errors.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

namespace nc {

static int report(ExitCode code, const std::string &message, const std::string &note) {
  fflush(stdout);
  fprintf(stderr, "error: %s\n", message.c_str());
  if (!note.empty())
    fprintf(stderr, "note: %s\n", note.c_str());
  return int(code);
}

/// What was wrong with the arguments, in our words where the parser's would mislead.
static int reportArguments(const CLI::App &app, const CLI::ParseError &problem) {
  std::string command = app.get_name();
  for (const CLI::App *chosen : app.get_subcommands())
    command += " " + chosen->get_name();
  std::string message = problem.what();
  if (app.get_subcommands().empty() && app.remaining_size() > 0)
    message = "no command '" + app.remaining()[0] + "'";
  return report(ExitCode::BadInput, message, "see '" + command + " --help'");
}

int reportErrors(const std::function<int()> &body) {
  try {
    return body();
  } catch (const Error &problem) {
    return report(problem.code, problem.what(), problem.note);
  } catch (const std::filesystem::filesystem_error &problem) {
    return report(ExitCode::BadInput, problem.what(), "");
  } catch (const std::exception &problem) {
    return report(ExitCode::RunFailed, problem.what(), "");
  }
}

int runApp(CLI::App &app, int argc, char **argv) {
  return reportErrors([&] {
    try {
      app.parse(argc, argv);
      return int(ExitCode::Ok);
    } catch (const CLI::ParseError &problem) {
      // Help is a "parse error" that exits with 0.
      return problem.get_exit_code() == 0 ? app.exit(problem) : reportArguments(app, problem);
    }
  });
}

} // namespace nc
