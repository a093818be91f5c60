// Completion scripts run in their shells, and the manual goes through groff.
//
#include "TestTools.h"
#include "runtime/manual/AppFacts.h"

#include <CLI/CLI.hpp>

using namespace nc;
using namespace nc::test;

namespace {

/// A command line with everything that scripts and pages must escape.
class Manual : public testing::Test {
protected:
  Manual() : app("Does what's asked. \\fBNot bold\\fR, 50 % – or \"more\".", "my-tool") {
    app.footer(".hidden\n'quoted\nmy-tool shards make --to x");
    CLI::App *train = app.add_subcommand("train", "Train [it's : $HOME `id` 'x']");
    train->add_option("--init", text, "Where; [from] it's: C:\\new")->type_name("FILE");
    train->add_option("-n,--count", text, ".TH number");
    train->add_option("--split", text, "Part")->check(CLI::IsMember({"all", "train", "val"}));
    train->add_flag("--json", "As JSON");
    CLI::App *shards = app.add_subcommand("shards", "Shards");
    shards->add_subcommand("make", "Make")->add_option("--to", text, "Folder")->type_name("DIR");
    shards->add_subcommand("train", "Same name as one above")->add_flag("--other", "");
    app.add_subcommand("show", "Show")->add_option("log", text, "The log")->type_name("LOG.jsonl");
    program = describeApp(app);
    folder.write("work/a file.txt", "");
    folder.write("work/folder/x", "");
  }

  static bool has(const std::string &program) { return runProcess("command -v " + program).code == 0; }
  /// What bash offers when the last of the words is completed; `words` are quoted for the shell.
  std::string bash(const std::string &words) {
    folder.write("completion", bashCompletion(program));
    folder.write("ask", "source ../completion\ncomplete -p my-tool >/dev/null || exit 1\n"
                        "COMP_WORDS=(my-tool " +
                            words +
                            ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_nanochat_my_tool\n"
                            "for word in \"${COMPREPLY[@]}\"; do echo \"$word\"; done\n");
    return runProcess("cd " + folder.path("work") + " && bash ../ask").output;
  }
  /// What fish offers at the end of a line.
  std::string fish(const std::string &line) {
    folder.write("completion", fishCompletion(program));
    return runProcess("cd " + folder.path("work") +
                      " && fish --no-config -c 'source ../completion; complete -C \"my-tool " + line + "\"' | cut -f 1")
        .output;
  }
  /// What becomes of lines when the tabulator key is pressed at their end, in a zsh with a
  /// terminal.
  std::string zsh(const std::vector<std::string> &lines) {
    folder.write("completion", zshCompletion(program));
    folder.write("zshrc", "PS1=\nautoload -U compinit\ncompinit -D\nsource ../completion\n"
                          "report() { print -r -- $BUFFER >> ../lines; BUFFER=; print line written }\n"
                          "zle -N report\nbindkey '^X' report\nprint ready\n");
    std::string ask = "zmodload zsh/zpty\nzpty shell zsh -f -i\nzpty -w shell source ../zshrc\n"
                      "zpty -r shell output '*ready*'\n";
    for (const std::string &line : lines)
      ask += "zpty -n -w shell $'my-tool " + line + "\\t\\x18'\nzpty -r shell output '*line written*'\n";
    folder.write("ask", ask);
    runProcess("cd " + folder.path("work") + " && timeout 60 zsh -f ../ask");
    return readFile(folder.path("lines"));
  }

  CLI::App app;
  std::string text;
  CommandFacts program;
  TemporaryFolder folder;
};

} // namespace

TEST_F(Manual, bash_completes_commands_options_choices_and_files) {
  if (!has("bash"))
    GTEST_SKIP() << "bash not found";
  EXPECT_EQ(bash("sh"), "shards\nshow\n");
  EXPECT_EQ(bash("train --"), "--help\n--init\n--count\n--split\n--json\n");
  EXPECT_EQ(bash("train --split ''"), "all\ntrain\nval\n");
  EXPECT_EQ(bash("train --json --split t"), "train\n");
  EXPECT_EQ(bash("train --split = v"), "val\n");
  EXPECT_EQ(bash("train --split ="), "all\ntrain\nval\n");
  EXPECT_EQ(bash("train --init a"), "a file.txt\n");
  EXPECT_EQ(bash("train --count ''"), "");
  EXPECT_EQ(bash("shards ''"), "make\ntrain\n--help\n-h\n");
  EXPECT_EQ(bash("shards make --to ''"), "folder\n");
  EXPECT_EQ(bash("shards train --o"), "--other\n");
  EXPECT_EQ(bash("show a"), "a file.txt\n");
  EXPECT_EQ(bash("show --j"), "");
  EXPECT_EQ(bash("'$(touch evil)'"), "");
  EXPECT_FALSE(std::filesystem::exists(folder.path("work/evil")));
}

TEST_F(Manual, fish_completes_commands_options_choices_and_files) {
  if (!has("fish"))
    GTEST_SKIP() << "fish not found";
  EXPECT_EQ(fish("sh"), "shards\nshow\n");
  EXPECT_EQ(fish("train --s"), "--split\n");
  EXPECT_EQ(fish("train --split t"), "train\n");
  EXPECT_EQ(fish("train --split="), "--split=all\n--split=train\n--split=val\n");
  EXPECT_EQ(fish("train --init a"), "a file.txt\n");
  EXPECT_EQ(fish("train --count "), "");
  EXPECT_EQ(fish("shards make --to "), "folder/\n");
  EXPECT_EQ(fish("shards train --o"), "--other\n");
  EXPECT_EQ(fish("show a"), "a file.txt\n");
}

TEST_F(Manual, zsh_completes_commands_options_choices_and_files) {
  if (!has("zsh"))
    GTEST_SKIP() << "zsh not found";
  EXPECT_EQ(zsh({"tr", "train --spl", "train --split=v", "train --json --init a", "shards m", "shards make --to f",
                 "shards train --o", "train --oth", "show a"}),
            "my-tool train \n"
            "my-tool train --split=\n"
            "my-tool train --split=val \n"
            "my-tool train --json --init a\\ file.txt \n"
            "my-tool shards make \n"
            "my-tool shards make --to folder/\n"
            "my-tool shards train --other \n"
            "my-tool train --oth\n"
            "my-tool show a\\ file.txt \n");
}

TEST_F(Manual, scripts_of_a_whole_program_are_valid_in_their_shells) {
  for (const char *shell : {"bash", "zsh", "fish"}) {
    if (!has(shell))
      continue;
    ProcessResult check = runProcess(std::string(TINY_PROGRAM " completion ") + shell + " | " + shell + " -n");
    EXPECT_EQ(check.output, "") << shell;
    EXPECT_EQ(check.code, 0) << shell;
  }
  EXPECT_EQ(runProcess(TINY_PROGRAM " completion csh").code, 2);
  EXPECT_EQ(runProcess(TINY_PROGRAM " completion").code, 2);
}

TEST_F(Manual, the_page_says_literally_what_the_parser_was_told) {
  if (!has("groff"))
    GTEST_SKIP() << "groff not found";
  folder.write("page", manualPage(program));
  ProcessResult page =
      runProcess("GROFF_NO_SGR=1 groff -man -Tutf8 -ww -rLL=200n " + folder.path("page") + " | col -b -x");
  for (const char *part :
       {"my-tool - Does what's asked\n", "my-tool COMMAND [OPTION]...\n", "\\fBNot bold\\fR, 50 % – or \"more\".",
        "Train [it's : $HOME `id` 'x'].", "--init FILE\n", "Where; [from] it's: C:\\new.", "--count, -n TEXT\n",
        ".TH number.", "--split all|train|val\n", "my-tool shards make\n", ".hidden\n", "'quoted\n"})
    expectContains(page.output, part);
  EXPECT_EQ(runProcess("groff -man -Tutf8 -ww -z " + folder.path("page")).output, "");
}

TEST_F(Manual, the_page_of_a_whole_program_has_no_warnings) {
  if (!has("groff"))
    GTEST_SKIP() << "groff not found";
  EXPECT_EQ(runProcess(TINY_PROGRAM " man | groff -man -Tutf8 -ww -z").output, "");
  std::string page = runProcess(TINY_PROGRAM " man").output;
  size_t at = 0;
  for (const char *section : {"NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "EXIT STATUS", "EXAMPLES"}) {
    at = page.find(std::string("\n.SH ") + section + "\n", at);
    ASSERT_NE(at, std::string::npos) << section;
  }
}
