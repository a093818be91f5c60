#include "runtime/manual/AppFacts.h"

namespace nc {

static std::string quote(const std::string &text) { return "'" + escape(text, "\\'") + "'"; }

/// What follows an option or stands by position.
static std::string valueOf(const OptionFacts &option) {
  switch (option.kind) {
  case ValueKind::None:
    return "";
  case ValueKind::Any:
    return " -x";
  case ValueKind::Choice:
    return " -x -a " + quote(joinWith(option.choices, " "));
  case ValueKind::File:
    return " -r -F";
  case ValueKind::Folder:
    return " -x -a '(__fish_complete_directories)'";
  }
  return "";
}

static std::string namesOf(const OptionFacts &option) {
  std::string names;
  for (const std::string &name : option.names)
    names += name[1] == '-' ? " -l " + quote(name.substr(2)) : " -s " + quote(name.substr(1));
  return names;
}

static std::string completeCommand(const std::string &start, const CommandFacts &command) {
  std::string script;
  for (const CommandFacts &below : command.commands)
    script += start + " -a " + quote(below.name) + " -d " + quote(below.help) + "\n";
  for (const OptionFacts &option : command.options)
    script += start + namesOf(option) + valueOf(option) + " -d " + quote(option.help) + "\n";
  for (const OptionFacts &positional : command.positionals)
    if (positional.kind == ValueKind::File)
      script += start + " -F\n";
    else if (positional.kind != ValueKind::Any)
      script += start + valueOf(positional) + " -d " + quote(positional.help) + "\n";
  return script;
}

std::string fishCompletion(const CommandFacts &program) {
  std::string name = quote(program.name), isAt = functionName(program) + "_is_at";
  std::vector<std::string> paths;
  for (const CommandFacts *command : program.all())
    if (!command->path.empty())
      paths.push_back(quote(command->path));
  std::string script = "# Completion of " + program.name + " in fish: " + program.name +
                       " completion fish | source\nfunction " + isAt + R"(
  set -l command ''
  for word in (commandline -opc)[2..-1]
    if contains -- "$command/$word" )" +
                       joinWith(paths, " ") + R"(
      set command "$command/$word"
    end
  end
  test "$command" = "$argv[1]"
end
complete -c )" + name + " -f\n";
  for (const CommandFacts *command : program.all())
    script += completeCommand("complete -c " + name + " -n " + quote(isAt + " '" + command->path + "'"), *command);
  return script;
}

} // namespace nc
