#include "runtime/files/Errors.h"
#include "runtime/manual/AppFacts.h"
#include <algorithm>
#include <codecvt>
#include <locale>

namespace nc {

/// Text for roff: what it would take for markup is escaped, and so is all beyond ASCII.
static std::string roff(const std::string &text) {
  std::string escaped;
  std::wstring_convert<std::codecvt_utf8<char32_t>, char32_t> decoder("", U"?"); // no UTF-8: "?"
  for (char32_t character : decoder.from_bytes(text)) {
    if (character > 126)
      escaped += format("\\[u%04X]", unsigned(character));
    else if (character == '\\')
      escaped += "\\e";
    else if (character == '-')
      escaped += "\\-";
    else if (character == '\'')
      escaped += "\\(aq";
    else if (character == '.' && (escaped.empty() || escaped.back() == '\n'))
      escaped += "\\&.";
    else
      escaped += char(character);
  }
  return escaped;
}

static std::string bold(const std::string &text) { return "\\fB" + roff(text) + "\\fR"; }
static std::string italic(const std::string &text) { return "\\fI" + roff(text) + "\\fR"; }

static std::string optionText(const OptionFacts &option) {
  std::vector<std::string> names;
  for (const std::string &name : option.names)
    names.push_back(bold(name));
  std::string head = joinWith(names, ", ");
  if (option.kind != ValueKind::None)
    head += (head.empty() ? "" : " ") + italic(option.value);
  std::string text = ".TP\n" + head + "\n" + roff(option.help) + ".";
  if (option.names.empty() && !option.choices.empty())
    text += " One of " + roff(joinWith(option.choices, ", ")) + ".";
  if (option.isRequired)
    text += " Required.";
  if (!option.standard.empty())
    text += " Default: " + roff(option.standard) + ".";
  return text + "\n";
}

/// The options of a command under a heading for each of their groups, in order of appearance.
static std::string optionsText(const CommandFacts &command) {
  std::string text;
  for (const OptionFacts &positional : command.positionals)
    text += optionText(positional);
  std::vector<std::string> groups = {""}; // hidden ones
  for (const OptionFacts &option : command.options) {
    if (std::count(groups.begin(), groups.end(), option.group))
      continue;
    groups.push_back(option.group);
    text += ".PP\n" + italic(option.group) + "\n";
    for (const OptionFacts &member : command.options)
      if (member.group == option.group)
        text += optionText(member);
  }
  return text;
}

/// "program tokenizer train".
static std::string fullName(const CommandFacts &program, const CommandFacts &command) {
  std::string path = command.path;
  std::replace(path.begin(), path.end(), '/', ' ');
  return program.name + path;
}

static std::string commandsText(const CommandFacts &program) {
  std::string list = ".SH COMMANDS\n", options = ".SH OPTIONS\n";
  for (const CommandFacts *command : program.all()) {
    if (command != &program)
      list += ".TP\n" + bold(command->path.substr(1)) + "\n" + roff(command->help) + ".\n";
    options += ".SS " + roff(fullName(program, *command)) + "\n" + optionsText(*command);
  }
  return list + options;
}

/// How a program is called that does something without a command.
static std::string ownSynopsis(const CommandFacts &program) {
  if (program.positionals.empty())
    return "";
  std::string line = ".br\n" + bold(program.name) + " [" + italic("OPTION") + "]...";
  for (const OptionFacts &positional : program.positionals)
    line += " " + italic(positional.value);
  return line + "\n";
}

std::string manualPage(const CommandFacts &program) {
  std::string title = program.name;
  for (char &character : title)
    character = char(toupper(static_cast<unsigned char>(character)));
  std::string sentence = program.help.substr(0, program.help.find(". "));
  return ".TH \"" + roff(title) + "\" 1\n.SH NAME\n" + roff(program.name) + " \\- " + roff(sentence) +
         "\n.SH SYNOPSIS\n" + bold(program.name) + " " + italic("COMMAND") + " [" + italic("OPTION") + "]...\n" +
         ownSynopsis(program) + ".SH DESCRIPTION\n" + roff(program.help) + "\n" + commandsText(program) +
         ".SH EXIT STATUS\n.TP\n0\nSuccess.\n.TP\n1\nThe run failed.\n.TP\n2\nThe input or an "
         "argument is wrong; the message says where and what was expected.\n"
         ".SH EXAMPLES\n.nf\n" +
         roff(program.examples) + "\n.fi\n";
}

} // namespace nc
