#include "runtime/manual/AppFacts.h"

namespace nc {

/// ":message:action" of an _arguments specification; the empty action completes nothing.
static std::string valueOf(const OptionFacts &option) {
  std::string message = ":" + escape(option.value, "\\:") + ":";
  switch (option.kind) {
  case ValueKind::None:
    return "";
  case ValueKind::Any:
    return message + " ";
  case ValueKind::Choice:
    return message + "(" + joinWith(option.choices, " ") + ")";
  case ValueKind::File:
    return message + "_files";
  case ValueKind::Folder:
    return message + "_files -/";
  }
  return "";
}

/// One case of the function: the specifications of one command.
static std::string completeCommand(const CommandFacts &command) {
  std::string commands, specifications;
  for (const CommandFacts &below : command.commands)
    commands += " " + shellQuote(escape(below.name, "\\:") + ":" + below.help);
  for (const OptionFacts &option : command.options)
    for (const std::string &name : option.names) {
      // `+`: the value of a short option may be joined to it; `=`: with an equals sign.
      std::string joint = option.kind == ValueKind::None ? "" : name[1] == '-' ? "=" : "+";
      specifications +=
          " \\\n      " + shellQuote(name + joint + "[" + escape(option.help, "\\[]") + "]" + valueOf(option));
    }
  for (const OptionFacts &positional : command.positionals)
    specifications += " \\\n      " + shellQuote("*" + valueOf(positional));
  if (!commands.empty())
    specifications += " \\\n      " + shellQuote("1:command:{_describe command commands}");
  return "  " + shellQuote(command.path) + ")\n" +
         (commands.empty() ? "" : "    commands=(" + commands.substr(1) + ")\n") + "    _arguments -S" +
         specifications + "\n    ;;\n";
}

std::string zshCompletion(const CommandFacts &program) {
  std::string function = functionName(program), cases;
  for (const CommandFacts *command : program.all())
    cases += completeCommand(*command);
  return "#compdef " + program.name + "\n# Completion of " + program.name + " in zsh: source <(" + program.name +
         " completion zsh), or this file as _" + program.name + " in a folder of $fpath\n" + function + R"(() {
  local -a commands
  local command=
  integer i at=1
  for ((i = 2; i < CURRENT; ++i)); do
    case "$command/${words[i]}" in
    )" + commandPattern(program) +
         R"() command+="/${words[i]}"; at=i ;;
    esac
  done
  # _arguments sees the innermost command as if it were the program.
  words=("${(@)words[at,-1]}")
  (( CURRENT -= at - 1 ))
  case "$command" in
)" + cases +
         R"(  esac
}
if [[ $funcstack[1] == )" +
         shellQuote("_" + program.name) + " ]]; then\n  " + function + " \"$@\"\nelse\n  compdef " + function + " " +
         shellQuote(program.name) + "\nfi\n";
}

} // namespace nc
