#include "runtime/report/LogFile.h"
#include "TestTools.h"

#include <csignal>
#include <sys/resource.h>

using namespace nc;
using namespace nc::test;

namespace {

/// No file grows beyond so many bytes while this lives: a full disk of one's own.
class FullDisk {
public:
  explicit FullDisk(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit limit{bytes, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before); }

private:
  rlimit before;
};

} // namespace

TEST(LogFile, what_a_full_disk_refuses_is_written_later_in_order) {
  TemporaryFolder folder;
  LogFile log(folder.path("log"), "--log", false);
  {
    FullDisk disk(10);
    for (const char *record : {"first\n", "second\n", "third\n"})
      log.append(record);
    EXPECT_EQ(readFile(folder.path("log")), "first\nseco");
    expectContains(errorOf([&] { log.finish(); }), "is not complete: File too large");
  }
  log.append("fourth\n");
  log.finish();
  EXPECT_EQ(readFile(folder.path("log")), "first\nsecond\nthird\nfourth\n");
}

TEST(LogFile, begins_with_its_first_record_and_not_before) {
  TemporaryFolder folder;
  std::string path = folder.write("log", "of the former run\n");
  LogFile log(path, "--log", false);
  EXPECT_EQ(readFile(path), "of the former run\n");
  log.append("new\n");
  EXPECT_EQ(readFile(path), "new\n");
}

TEST(LogFile, has_one_writer) {
  TemporaryFolder folder;
  std::string path = folder.write("log", "a\n");
  LogFile first(path, "--log", true);
  expectContains(errorOf([&] { LogFile second(path, "--log", false); }),
                 "--log: another process writes '" + path + "'");
  first.append("b\n");
  EXPECT_EQ(readFile(path), "a\nb\n");
  first.replace("c\n");
  EXPECT_NE(errorOf([&] { LogFile second(path, "--log", true); }), "");
  first.append("d\n");
  EXPECT_EQ(readFile(path), "c\nd\n");
  LogFile null("/dev/null", "--log", false), too("/dev/null", "--log", false);
}

TEST(LogFile, that_was_removed_is_written_anew_at_the_end) {
  TemporaryFolder folder;
  std::string path = folder.write("logs/log", "");
  LogFile log(path, "--log", false);
  log.append("a\n");
  std::filesystem::remove_all(folder.path("logs"));
  log.append("b\n");
  log.finish();
  EXPECT_EQ(readFile(path), "a\nb\n");
}

TEST(LogFile, that_was_moved_away_stays_there) {
  TemporaryFolder folder;
  std::string path = folder.write("log", "");
  LogFile log(path, "--log", false);
  log.append("a\n");
  std::filesystem::rename(path, folder.path("log.1"));
  log.append("b\n");
  log.finish();
  EXPECT_EQ(readFile(folder.path("log.1")), "a\nb\n");
}
