// Runs of several processes for tests.
//
#pragma once

#include "TestTools.h"
#include "runtime/comm/Socket.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <regex>
#include <thread>
#include <vector>

namespace nc::test {

/// A process that goes on by itself, and ends with its owner at the latest.
class Started {
public:
  Started(const std::string &command, const std::string &output) : output(output), process(fork()) {
    if (process == 0) {
      execl("/bin/sh", "sh", "-c", ("exec env " + command + " >" + output + " 2>&1").c_str(), nullptr);
      _exit(127);
    }
  }
  Started(Started &&other) : output(other.output), process(std::exchange(other.process, 0)) {}
  ~Started() {
    if (process)
      end(0);
  }

  void send(int signal) const { kill(process, signal); }
  std::string text() const { return readFile(output); }
  /// Waits until it is over; what is left after so many seconds is ended, with code -1.
  ProcessResult end(double seconds = 60) {
    int status = 0;
    for (Deadline limit = after(seconds); waitpid(process, &status, WNOHANG) == 0;) {
      if (std::chrono::steady_clock::now() > limit)
        send(SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    process = 0;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text()};
  }

private:
  std::string output;
  pid_t process;
};

/// Waits for what must come, on however slow a machine.
template <typename Holds> void waitUntil(Holds holds) {
  for (Deadline limit = after(60); !holds() && std::chrono::steady_clock::now() < limit;)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(holds());
}

class RanksRun : public testing::Test {
protected:
  void SetUp() override { data = folder.write("text.rs", trainingText()); }

  std::string at(const std::string &name) { return folder.path(name); }
  std::string train(const std::string &more) { return " train --lr 1 --seed 1 --data " + data + " " + more; }
  /// By one command, or one process where there is one rank.
  ProcessResult run(int ranks, const std::string &more) {
    std::string start = ranks > 1 ? " --ranks=" + std::to_string(ranks) : "";
    return runProcess(programs[ranks - 1] + train(more) + start);
  }
  /// As torchrun does it; `more` is of each rank.
  std::vector<Started> launch(const std::vector<std::string> &more, const std::string &environment = "",
                              const std::string &program = TINY_RANKS_2_PROGRAM) {
    int port = Socket::listen(0).port();
    std::vector<Started> ranks;
    for (size_t rank = 0; rank < more.size(); ++rank)
      ranks.emplace_back(format("RANK=%zu WORLD_SIZE=%zu LOCAL_RANK=%zu MASTER_PORT=%d %s %s", rank, more.size(), rank,
                                port, environment.c_str(), program.c_str()) +
                             train(more[rank]),
                         at("output" + std::to_string(rank)));
    return ranks;
  }
  /// A run of two without an end, after its first step.
  std::vector<Started> launchLong(const std::string &more) {
    std::string all = "--steps 100000000 --eval-every 0 " + more;
    std::vector<Started> ranks = launch({all, all});
    waitUntil([&] { return ranks[0].text().find("step 1/") != std::string::npos; });
    return ranks;
  }
  std::vector<std::string> checkpoints(const std::string &name) {
    std::vector<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(at(name)))
      if (std::string found = entry.path().filename().string(); found.rfind("step-", 0) == 0)
        names.push_back(found);
    std::sort(names.begin(), names.end());
    return names;
  }
  /// A log without the times, which end its lines.
  std::string log(const std::string &name) {
    return std::regex_replace(readFile(at(name)), std::regex(", \"tok_s\".*"), "");
  }

  const std::string programs[3] = {TINY_RANKS_1_PROGRAM, TINY_RANKS_2_PROGRAM, TINY_RANKS_3_PROGRAM};
  TemporaryFolder folder;
  std::string data;
};

/// Ends with code 1 within so many seconds, and says what `pattern` is of.
inline void expectFailure(Started &rank, double seconds, const std::string &pattern) {
  ProcessResult result = rank.end(seconds);
  EXPECT_EQ(result.code, 1);
  EXPECT_TRUE(std::regex_search(result.output, std::regex(pattern))) << result.output;
}

inline void expectBoth(std::vector<Started> &ranks, int code, const std::string &message) {
  for (Started &rank : ranks) {
    ProcessResult result = rank.end();
    EXPECT_EQ(result.code, code);
    expectContains(result.output, message);
  }
}

} // namespace nc::test
