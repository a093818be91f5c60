// What a manual page and shell completion need to know of a command line, read off its parser.
//
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace nc {

enum class ValueKind { None, Any, Choice, File, Folder };

struct OptionFacts {
  std::vector<std::string> names; // "--count", "-n"; empty for what is given by position
  std::string value;              // "FILE"; of positional ones their name
  ValueKind kind;
  std::vector<std::string> choices;
  std::string help, group, standard; // `standard`: the default as text, may be empty
  bool isRequired;
};

struct CommandFacts {
  std::string name, help, examples;
  std::string path; // "" of the program itself, "/tokenizer/train" of a command
  std::vector<OptionFacts> options, positionals;
  std::vector<CommandFacts> commands;

  /// Itself and all commands below, depth first.
  std::vector<const CommandFacts *> all() const;
};

CommandFacts describeApp(const CLI::App &app);

/// The script that completes `program` in "bash", "zsh" or "fish".
std::string bashCompletion(const CommandFacts &program);
std::string zshCompletion(const CommandFacts &program);
std::string fishCompletion(const CommandFacts &program);
/// A page for man(1).
std::string manualPage(const CommandFacts &program);

// What the scripts have in common.

/// `text` with `before` put in front of every character of `special`.
std::string escape(const std::string &text, const std::string &special, const std::string &before = "\\");
/// Quoted for bash and zsh.
std::string shellQuote(const std::string &text);
/// Paths of all commands, quoted for bash and zsh, as alternatives of a `case`.
std::string commandPattern(const CommandFacts &program);
/// The program's name as part of a shell function's name.
std::string functionName(const CommandFacts &program);
std::string joinWith(const std::vector<std::string> &parts, const std::string &separator);

} // namespace nc
