#include "runtime/manual/AppFacts.h"

namespace nc {

/// Cases "'/command --option'": what completes the value of an option.
static std::string valueCases(const CommandFacts &program) {
  std::string cases;
  for (const CommandFacts *command : program.all())
    for (const OptionFacts &option : command->options) {
      std::string action;
      switch (option.kind) {
      case ValueKind::None:
        continue;
      case ValueKind::Any:
        action = "return";
        break;
      case ValueKind::Choice:
        action = "words=" + shellQuote(joinWith(option.choices, " "));
        break;
      case ValueKind::File:
        action = "files=-f";
        break;
      case ValueKind::Folder:
        action = "files=-d";
        break;
      }
      std::vector<std::string> patterns;
      for (const std::string &name : option.names)
        patterns.push_back(shellQuote(command->path + " " + name));
      cases += "  " + joinWith(patterns, " | ") + ") " + action + " ;;\n";
    }
  return cases;
}

/// What may come next in a command where no value is due.
static std::string wordsOf(const CommandFacts &command) {
  std::vector<std::string> words, choices;
  for (const CommandFacts &below : command.commands)
    words.push_back(below.name);
  for (const OptionFacts &option : command.options)
    words.insert(words.end(), option.names.begin(), option.names.end());
  std::string files;
  for (const OptionFacts &positional : command.positionals) {
    words.insert(words.end(), positional.choices.begin(), positional.choices.end());
    if (positional.kind == ValueKind::File)
      files = " files=-f";
    if (positional.kind == ValueKind::Folder)
      files = " files=-d";
  }
  return "words=" + shellQuote(joinWith(words, " ")) + files;
}

static std::string commandCases(const CommandFacts &program) {
  std::string cases;
  for (const CommandFacts *command : program.all())
    cases += "    " + shellQuote(command->path) + ") " + wordsOf(*command) + " ;;\n";
  return cases;
}

std::string bashCompletion(const CommandFacts &program) {
  std::string function = functionName(program);
  return "# Completion of " + program.name + " in bash: source <(" + program.name + " completion bash)\n" + function +
         R"(() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command= words= files= i
  # --option=value arrives as three words.
  if [[ $word == = ]]; then
    word=
  elif [[ $previous == = ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$command/${COMP_WORDS[i]}" in
    )" + commandPattern(program) +
         R"() command+="/${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$command $previous" in
)" + valueCases(program) +
         R"(  *)
    case "$command" in
)" + commandCases(program) +
         R"(    esac
    ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  if [[ -n $files && $word != -* ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen "$files" -- "$word")
  fi
}
complete -F )" +
         function + " " + shellQuote(program.name) + "\n";
}

} // namespace nc
