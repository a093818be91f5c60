#include "runtime/manual/AppFacts.h"
#include <CLI/CLI.hpp>

namespace nc {

/// The choices in a type name such as "TEXT:{all,train,val}".
static std::vector<std::string> choicesIn(const std::string &type) {
  size_t open = type.find('{'), close = type.rfind('}');
  if (open == std::string::npos || close == std::string::npos)
    return {};
  return CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
}

/// By the words of help: FILE, FILE.svg and PATH are files, DIR is a folder.
static ValueKind kindOf(const std::string &type, bool hasChoices) {
  auto has = [&](const char *word) { return type.find(word) != std::string::npos; };
  if (hasChoices)
    return ValueKind::Choice;
  if (has("DIR"))
    return ValueKind::Folder;
  return has("FILE") || has("PATH") || has(".") ? ValueKind::File : ValueKind::Any;
}

static OptionFacts describeOption(const CLI::Option &option) {
  OptionFacts facts;
  for (const std::string &name : option.get_lnames())
    facts.names.push_back("--" + name);
  for (const std::string &name : option.get_snames())
    facts.names.push_back("-" + name);
  std::string type = option.get_type_name();
  facts.choices = choicesIn(type);
  bool isFlag = option.get_items_expected_max() == 0;
  facts.kind = isFlag ? ValueKind::None : kindOf(type, !facts.choices.empty());
  facts.value = isFlag ? "" : facts.choices.empty() ? type : joinWith(facts.choices, "|");
  if (facts.names.empty())
    facts.value = option.get_name(/*positional=*/true);
  facts.help = option.get_description();
  facts.group = option.get_group();
  facts.standard = option.get_default_str();
  facts.isRequired = option.get_required();
  return facts;
}

static CommandFacts describeCommand(const CLI::App &app, const std::string &path) {
  CommandFacts facts;
  facts.name = app.get_name();
  facts.help = app.get_description();
  facts.examples = app.get_footer();
  facts.path = path;
  for (const CLI::Option *option : app.get_options())
    (option->nonpositional() ? facts.options : facts.positionals).push_back(describeOption(*option));
  for (const CLI::App *command : app.get_subcommands(nullptr))
    facts.commands.push_back(describeCommand(*command, path + "/" + command->get_name()));
  return facts;
}

CommandFacts describeApp(const CLI::App &app) { return describeCommand(app, ""); }

std::vector<const CommandFacts *> CommandFacts::all() const {
  std::vector<const CommandFacts *> list = {this};
  for (const CommandFacts &command : commands)
    for (const CommandFacts *below : command.all())
      list.push_back(below);
  return list;
}

std::string escape(const std::string &text, const std::string &special, const std::string &before) {
  std::string escaped;
  for (char character : text) {
    if (special.find(character) != std::string::npos)
      escaped += before;
    escaped += character;
  }
  return escaped;
}

std::string shellQuote(const std::string &text) { return "'" + escape(text, "'", "'\\'") + "'"; }

std::string commandPattern(const CommandFacts &program) {
  std::vector<std::string> paths;
  for (const CommandFacts *command : program.all())
    if (command != &program)
      paths.push_back(shellQuote(command->path));
  return joinWith(paths, " | ");
}

std::string functionName(const CommandFacts &program) {
  std::string name = "_nanochat_";
  for (unsigned char character : program.name)
    name += isalnum(character) ? char(character) : '_';
  return name;
}

std::string joinWith(const std::vector<std::string> &parts, const std::string &separator) {
  std::string joined;
  for (const std::string &part : parts)
    joined += (joined.empty() ? "" : separator) + part;
  return joined;
}

} // namespace nc
