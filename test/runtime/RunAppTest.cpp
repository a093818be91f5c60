// What was printed has arrived when a command exits with 0, wherever its streams lead.
//
#include "runtime/app/RunApp.h"
#include "TestTools.h"

#include <csignal>
#include <filesystem>
#include <new>
#include <nlohmann/json.hpp>

using namespace nc;
using namespace nc::test;

namespace {

ProcessResult redirected(const std::string &arguments, const std::string &streams) {
  return runProcess("(" TINY_PROGRAM " " + arguments + " " + streams + ")");
}

const char *const kPrinting[] = {"info",   "info --json",     "--help",          "train --help",
                                 "doctor", "config --schema", "completion bash", "man"};

} // namespace

TEST(RunApp, output_that_does_not_arrive_is_an_error) {
  for (const std::string arguments : kPrinting) {
    for (const auto &[streams, reason] :
         {std::pair(">/dev/full", "No space left on device"), std::pair(">&-", "Bad file"),
          std::pair("<&- >&-", "Bad file"), std::pair(">/proc/self/stat", "")}) {
      ProcessResult result = redirected(arguments, streams);
      EXPECT_EQ(result.code, 1) << arguments << streams;
      if (*reason)
        expectContains(result.output, std::string("error: cannot write the standard output: ") + reason);
    }
    EXPECT_EQ(redirected(arguments, ">/dev/null").code, 0) << arguments;
    EXPECT_EQ(redirected(arguments, ">/dev/null 2>&-").code, 0) << arguments;
  }
  ProcessResult both = redirected("dance", ">/dev/full");
  EXPECT_EQ(both.code, 2);
  EXPECT_EQ(both.output.find("standard output"), std::string::npos);
}

TEST(RunApp, files_do_not_become_streams_that_were_closed) {
  TemporaryFolder folder;
  std::string data = folder.write("a.rs", std::string(3000, 'x'));
  redirected("train --data " + data + " --steps 3 --eval-every 0 --log " + folder.path("log"), "<&- >&- 2>&-");
  std::istringstream rows(readFile(folder.path("log")));
  int count = 0;
  for (std::string row; std::getline(rows, row); ++count)
    EXPECT_TRUE(nlohmann::json::accept(row)) << row;
  EXPECT_EQ(count, 3);
}

TEST(RunApp, input_that_cannot_be_read_is_an_error) {
  TemporaryFolder folder;
  std::string text = folder.write("a.rs", "fn main() {}"), tokenizer = folder.path("t");
  ASSERT_EQ(redirected("tokenizer train " + text + " --vocab 257 -o " + tokenizer, "").code, 0);
  for (const char *streams : {"<.", "<&-"}) {
    ProcessResult result = redirected("tokenizer encode --tokenizer " + tokenizer + " -", streams);
    EXPECT_EQ(result.code, 2) << streams;
    expectContains(result.output, "error: cannot read the standard input: ");
  }
}

TEST(RunApp, exceptions_of_libraries_are_told_in_our_words) {
  auto report = [](const std::function<int()> &body) {
    testing::internal::CaptureStderr();
    int code = reportErrors(body);
    return std::to_string(code) + " " + testing::internal::GetCapturedStderr();
  };
  expectContains(report([]() -> int { throw std::bad_alloc(); }), "1 error: out of memory\n");
  expectContains(report([]() -> int { throw std::out_of_range("stod"); }), "1 error: this program is at fault\nnote: ");
  expectContains(report([] { return int(std::filesystem::file_size("/none/x")); }),
                 "2 error: '/none/x': No such file or directory\n");
}
