#include "runtime/files/Files.h"
#include "TestTools.h"

#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace nc;
using namespace nc::test;

namespace fs = std::filesystem;

static size_t countFiles(const std::string &folder) {
  return size_t(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(AtomicFile, is_the_old_file_or_the_new_one) {
  TemporaryFolder folder;
  std::string path = folder.write("d/out", "old");
  {
    AtomicFile file(path);
    file.write("new");
    EXPECT_EQ(readFile(path), "old");
    EXPECT_EQ(countFiles(folder.path("d")), 2u);
  }
  EXPECT_EQ(readFile(path), "old");
  EXPECT_EQ(countFiles(folder.path("d")), 1u);
  writeFile(path, "new");
  EXPECT_EQ(readFile(path), "new");
  EXPECT_EQ(countFiles(folder.path("d")), 1u);
}

TEST(AtomicFile, follows_links_also_to_what_is_not_there_yet) {
  TemporaryFolder folder;
  folder.write("d/real", "old");
  fs::create_symlink("d/real", folder.path("link"));
  fs::create_symlink("link", folder.path("link-to-link"));
  fs::create_symlink("d/new", folder.path("dangling"));
  writeFile(folder.path("link-to-link"), "new");
  writeFile(folder.path("dangling"), "fresh");
  for (const char *link : {"link", "link-to-link", "dangling"})
    EXPECT_TRUE(fs::is_symlink(folder.path(link))) << link;
  EXPECT_EQ(readFile(folder.path("d/real")), "new");
  EXPECT_EQ(readFile(folder.path("d/new")), "fresh");
}

TEST(AtomicFile, writes_into_what_is_no_regular_file) {
  TemporaryFolder folder;
  fs::create_symlink("/dev/null", folder.path("null"));
  writeFile(folder.path("null"), "gone");
  EXPECT_TRUE(fs::is_character_file(folder.path("null")));
  EXPECT_EQ(countFiles(folder.path("")), 1u);
  expectContains(errorOf([] { writeFile("/dev/full", "x"); }), "cannot write '/dev/full': No space left on device");

  ASSERT_EQ(mkfifo(folder.path("pipe").c_str(), 0600), 0);
  std::string content;
  std::thread reader([&] { content = readFile(folder.path("pipe")); });
  writeFile(folder.path("pipe"), "through");
  reader.join();
  EXPECT_EQ(content, "through");
  EXPECT_TRUE(fs::is_fifo(folder.path("pipe")));
}

TEST(AtomicFile, goes_behind_what_was_printed_where_it_is_the_standard_output) {
  TemporaryFolder folder;
  ProcessResult result = runProcess("sh -c '" TINY_PROGRAM " completion bash >/dev/null; " TINY_PROGRAM
                                    " train --copy-task --eval-every 0 --steps 1 --save /dev/stdout >" +
                                    folder.path("out") + "'");
  EXPECT_EQ(result.code, 0) << result.output;
  std::string out = readFile(folder.path("out"));
  EXPECT_LT(out.find("step 1/1"), out.find("data_offsets"));
  EXPECT_LT(out.find("data_offsets"), out.find("memory:"));
}

TEST(AtomicFile, keeps_who_may_read_it) {
  TemporaryFolder folder;
  std::string path = folder.write("secret", "old");
  chmod(path.c_str(), 0600);
  writeFile(path, "new");
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST(AtomicFile, of_the_longest_name_has_a_name_while_it_is_written) {
  TemporaryFolder folder;
  std::string path = folder.path(std::string(255, 'n'));
  writeFile(path, "content");
  EXPECT_EQ(readFile(path), "content");
}

TEST(AtomicFile, of_many_writers_is_whole) {
  TemporaryFolder folder;
  std::string path = folder.path("out");
  std::vector<std::thread> writers;
  for (char letter : {'a', 'b', 'c', 'd'})
    writers.emplace_back([&, letter] {
      for (int i = 0; i < 20; ++i)
        writeFile(path, std::string(10000, letter));
    });
  for (std::thread &writer : writers)
    writer.join();
  std::string content = readFile(path);
  EXPECT_EQ(content, std::string(10000, content[0]));
  EXPECT_EQ(countFiles(folder.path("")), 1u);
}

TEST(AtomicFile, failures_name_the_path_and_the_reason) {
  TemporaryFolder folder;
  expectContains(errorOf([&] { writeFile(folder.path("no/out"), "x"); }), "No such file");
  fs::create_symlink("circle", folder.path("circle"));
  expectContains(errorOf([&] { writeFile(folder.path("circle"), "x"); }), "circle'");
  EXPECT_NE(errorOf([&] { writeFile(folder.path(""), "x"); }), "");
}

TEST(CheckWritable, says_what_would_fail_at_the_end) {
  TemporaryFolder folder;
  checkWritable(folder.path("new"), "--save");
  checkWritable("/dev/null", "--save");
  expectContains(errorOf([&] { checkWritable(folder.path("no/new"), "--save"); }), "--save: cannot create files in");
  expectContains(errorOf([&] { checkWritable(folder.path(""), "--save"); }), "is a folder");
  expectContains(errorOf([&] { checkWritable(folder.path("new/"), "--save"); }), "names a folder");
}

TEST(CheckOutputs, refuses_one_file_under_several_names) {
  TemporaryFolder folder;
  std::string text = folder.write("text", "x");
  fs::create_symlink("text", folder.path("link"));
  fs::create_hard_link(text, folder.path("hard"));
  for (const char *name : {"text", "link", "hard", "./text", "../"}) {
    std::string other = std::string(name) == "../" ? folder.path("no/../text") : folder.path(name);
    fs::create_directories(folder.path("no"));
    expectContains(errorOf([&] { checkOutputs({{"--data", text}}, {{"--log", other}}); }), "is also what --data reads");
  }
  expectContains(errorOf([&] { checkOutputs({}, {{"--log", folder.path("a")}, {"--save", folder.path("./a")}}); }),
                 "--log and --save both name");
  EXPECT_EQ(
      errorOf([&] {
        checkOutputs(
            {{"--data", text}, {"--val", "/dev/null"}},
            {{"--log", folder.path("a")}, {"--save", ""}, {"--x", ""}, {"--y", "/dev/null"}, {"--z", "/dev/null"}});
      }),
      "");
}

TEST(LockFile, is_released_by_the_end_of_a_process) {
  TemporaryFolder folder;
  std::string path = folder.write("lock", "");
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    char isLocked = lockFile(open(path.c_str(), O_RDWR));
    (void)!write(ready[1], &isLocked, 1);
    pause();
    _exit(0);
  }
  char isLocked = 0;
  ASSERT_EQ(read(ready[0], &isLocked, 1), 1);
  EXPECT_TRUE(isLocked);
  int mine = open(path.c_str(), O_RDWR);
  EXPECT_FALSE(lockFile(mine));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(lockFile(mine));
  for (int descriptor : {mine, ready[0], ready[1]})
    close(descriptor);
}
