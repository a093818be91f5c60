// What a command line tells about itself: completion for shells and a manual page.
//
#include "runtime/commands/Commands.h"
#include "runtime/manual/AppFacts.h"
#include <CLI/CLI.hpp>

namespace nc {

void addCompletionCommand(CLI::App &app) {
  auto shell = std::make_shared<std::string>();
  CLI::App *command = app.add_subcommand("completion", "Print a script that completes this program's options");
  command->add_option("shell", *shell, "The shell it is for")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->required();
  command->callback([&app, shell] {
    CommandFacts program = describeApp(app);
    fputs((*shell == "bash"  ? bashCompletion(program)
           : *shell == "zsh" ? zshCompletion(program)
                             : fishCompletion(program))
              .c_str(),
          stdout);
  });
}

void addManCommand(CLI::App &app) {
  CLI::App *command = app.add_subcommand("man", "Print the manual page; read it with 'man -l -'");
  command->callback([&app] { fputs(manualPage(describeApp(app)).c_str(), stdout); });
}

} // namespace nc
