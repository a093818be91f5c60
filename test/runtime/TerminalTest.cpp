// Progress on terminals of every kind, which pseudo terminals stand in for.
//
#include "runtime/report/Terminal.h"
#include "TestTools.h"

#include <pty.h>
#include <unistd.h>

using namespace nc;
using namespace nc::test;

namespace {

/// What a training run writes to a terminal with so many columns. `environment` is for env(1).
std::string trainedOn(unsigned short columns, const std::string &environment) {
  TemporaryFolder folder;
  std::string command = "exec env " + environment + " " TINY_PROGRAM " train --eval-every 0 --steps 300 --data " +
                        folder.write("a.rs", std::string(3000, 'x'));
  winsize size = {24, columns, 0, 0};
  int terminal;
  pid_t child = forkpty(&terminal, nullptr, nullptr, &size);
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  std::string output;
  char buffer[4096];
  for (ssize_t count; (count = read(terminal, buffer, sizeof(buffer))) > 0;)
    output.append(buffer, count);
  close(terminal);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << output;
  return output;
}

/// The lengths of lines that were written anew.
std::vector<size_t> rewritten(const std::string &output) {
  std::vector<size_t> lengths;
  const std::string start = "\r\x1b[K";
  for (size_t at = 0; (at = output.find(start, at)) != output.npos;) {
    at += start.size();
    lengths.push_back(std::min(output.find_first_of("\r\n", at), output.size()) - at);
  }
  return lengths;
}

} // namespace

TEST(Terminal, lines_are_cut_before_the_last_column) {
  for (unsigned short columns : {1, 10, 80}) {
    std::vector<size_t> lengths = rewritten(trainedOn(columns, "TERM=xterm"));
    EXPECT_FALSE(lengths.empty());
    for (size_t length : lengths)
      EXPECT_LT(length, columns);
  }
}

TEST(Terminal, that_does_not_tell_its_width_is_asked_for_by_the_environment) {
  auto longest = [](const std::string &environment) {
    std::vector<size_t> lengths = rewritten(trainedOn(0, environment + " TERM=xterm"));
    return lengths.empty() ? 0 : *std::max_element(lengths.begin(), lengths.end());
  };
  EXPECT_EQ(longest("COLUMNS=40"), 39u);
  for (const char *environment : {"-u COLUMNS", "COLUMNS=-5"})
    EXPECT_EQ(longest(environment), 79u) << environment;
}

TEST(Terminal, that_cannot_rewrite_gets_plain_lines) {
  for (const char *environment : {"TERM=dumb", "TERM=", "-u TERM"}) {
    std::string output = trainedOn(80, environment);
    EXPECT_EQ(output.find('\x1b'), output.npos) << environment;
    expectContains(output, "step 300/300 (100.0 %)");
  }
}

TEST(Terminal, characters_are_not_cut_in_two) {
  EXPECT_EQ(firstCharacters("aé€b", 0), "");
  EXPECT_EQ(firstCharacters("aé€b", 2), "aé");
  EXPECT_EQ(firstCharacters("aé€b", 3), "aé€");
  EXPECT_EQ(firstCharacters("aé€b", 9), "aé€b");
}
