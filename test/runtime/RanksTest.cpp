// Runs of several processes: a tiny program that adds six batches in their order, however many ranks share them.
//
#include "RanksRun.h"
#include "runtime/comm/Transport.h"

#include <nlohmann/json.hpp>

using namespace nc;
using namespace nc::test;

TEST(Group, is_of_ranks_a_stride_apart) {
  Group neighbours = Group::around(5, /*members=*/2, /*stride=*/1),
        apart = Group::around(5, /*members=*/3, /*stride=*/2);
  for (int rank = 0; rank < 12; ++rank) {
    EXPECT_EQ(neighbours.has(rank), rank == 4 || rank == 5) << rank;
    EXPECT_EQ(apart.has(rank), rank == 1 || rank == 3 || rank == 5) << rank;
    EXPECT_EQ(Group::around(rank, 3, 2).has(rank), true) << rank;
  }
  EXPECT_EQ(apart.numberOf(5), 2);
  EXPECT_EQ(apart.rankOf(0), 1);
}

TEST_F(RanksRun, gives_the_same_bits_for_any_number_of_ranks) {
  for (int ranks : {1, 2, 3}) {
    std::string number = std::to_string(ranks);
    ProcessResult result =
        run(ranks, "--steps 12 --eval-every 5 --count-bytes --count-allocations --log " + at("l" + number) +
                       " --save " + at("s" + number) + (ranks == 3 ? " --comm=tcp" : ""));
    ASSERT_EQ(result.code, 0) << result.output;
    // A table, its bias and a loss of each way here go to each of the others.
    expectContains(result.output, format("bytes sent per step: %d\n", 6 / ranks * (ranks - 1) * (264256 + 1152)));
    expectContains(result.output, "768 tokens per step");
    if (result.output.find("cannot be counted") == std::string::npos)
      expectContains(result.output, "allocations in steps: 0\n");
  }
  std::string expected = log("l1");
  EXPECT_EQ(std::count(expected.begin(), expected.end(), '\n'), 12 + 3);
  for (const char *number : {"2", "3"}) {
    EXPECT_EQ(log(std::string("l") + number), expected);
    EXPECT_TRUE(readFile(at(std::string("s") + number)) == readFile(at("s1")));
  }
}

TEST_F(RanksRun, is_resumed_by_another_number_of_ranks) {
  std::string options = "--eval-every 0 --schedule-steps 12 ";
  ASSERT_EQ(run(1, options + "--steps 12 --log " + at("whole") + " --save " + at("a")).code, 0);
  std::string parts = options + "--checkpoints " + at("c") + " --resume auto --log " + at("parts");
  ASSERT_EQ(run(2, parts + " --steps 4").code, 0);
  ProcessResult second = run(3, parts + " --steps 9");
  ASSERT_EQ(second.code, 0) << second.output;
  expectContains(second.output, "resumed on another size 'ranks': 3, was 2");
  ASSERT_EQ(run(1, parts + " --steps 12 --save " + at("b")).code, 0);
  EXPECT_EQ(log("parts"), log("whole"));
  EXPECT_TRUE(readFile(at("a")) == readFile(at("b")));
}

TEST_F(RanksRun, ends_whole_by_a_signal_to_any_rank) {
  std::vector<Started> ranks = launchLong("--checkpoints " + at("c"));
  ranks[0].send(SIGUSR1);
  waitUntil([&] { return checkpoints("c").size() == 1; });
  ranks[1].send(SIGTERM);
  ProcessResult first = ranks[0].end(), second = ranks[1].end();
  EXPECT_EQ(first.code, 0) << first.output;
  EXPECT_EQ(second.code, 0);
  EXPECT_EQ(second.output, "");
  std::smatch found;
  ASSERT_TRUE(std::regex_search(first.output, found, std::regex("stopped by a signal after ([0-9]+) steps")));
  EXPECT_EQ(checkpoints("c").back(), format("step-%08lld", std::stoll(found[1])));
  EXPECT_EQ(checkpoints("c").size(), 2u);
}

TEST_F(RanksRun, of_one_command_ends_whole_by_a_signal_to_it) {
  Started run(std::string(TINY_RANKS_2_PROGRAM) + train("--ranks=2 --steps 100000000 --checkpoints " + at("c")),
              at("output"));
  waitUntil([&] { return run.text().find("step 1/") != std::string::npos; });
  run.send(SIGUSR1);
  waitUntil([&] { return checkpoints("c").size() == 1; });
  run.send(SIGTERM);
  ProcessResult result = run.end();
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_EQ(checkpoints("c").size(), 2u);
}

TEST_F(RanksRun, names_a_rank_that_dies_and_saves_what_was_reached) {
  std::vector<Started> ranks = launchLong("--checkpoints " + at("c"));
  ranks[1].send(SIGKILL);
  expectFailure(ranks[0], 30, "error: rank 1 \\(host .*\\).* ended.* step [0-9]+");
  EXPECT_EQ(checkpoints("c").size(), 1u);
}

TEST_F(RanksRun, names_a_rank_that_stops) {
  std::vector<Started> ranks = launchLong("--comm-timeout=3");
  ranks[0].send(SIGSTOP);
  expectFailure(ranks[1], 30, "error: rank 0 \\(host .*\\) was not heard from for 3 s.* step [0-9]+");
}

TEST_F(RanksRun, names_the_rank_where_a_number_is_not_finite) {
  std::string options = "--steps 5 --scalar poison_step=2";
  std::vector<Started> ranks = launch({options, options}, "TINY_POISON_RANK=1");
  ProcessResult first = ranks[0].end(), second = ranks[1].end();
  EXPECT_EQ(first.code, 1);
  EXPECT_EQ(second.code, 1);
  std::string kernel = "it first appeared in tiny.bigram_loss (kernel 'bigram_loss', call 1 of the entry, output 0";
  expectContains(first.output, "error: step 2: output 'loss'[0]");
  EXPECT_TRUE(std::regex_search(first.output, std::regex("not a finite number; rank 1 \\(host .*\\): it first")));
  expectContains(first.output, kernel);
  expectContains(second.output, "not a finite number; " + kernel);
}

TEST_F(RanksRun, ends_all_where_one_fails) {
  std::vector<Started> full = launch({"--steps 3 --log /dev/full", "--steps 3"});
  std::string message = "'/dev/full' is not complete: No space left on device";
  ProcessResult first = full[0].end(), second = full[1].end();
  EXPECT_EQ(first.code, 1);
  expectContains(first.output, "error: " + message);
  EXPECT_EQ(second.code, 1);
  EXPECT_TRUE(std::regex_search(second.output, std::regex("error: rank 0 \\(host .*\\): " + message))) << second.output;

  std::vector<Started> lacking = launch({"--steps 3", "--steps 3 --init /none"});
  first = lacking[0].end(), second = lacking[1].end();
  EXPECT_EQ(second.code, 2);
  EXPECT_EQ(first.code, 1);
  EXPECT_TRUE(std::regex_search(first.output, std::regex("error: rank 1 \\(host .*\\): .*'/none'"))) << first.output;
}

TEST_F(RanksRun, has_as_many_ranks_as_the_program_is_for) {
  ProcessResult four = runProcess(TINY_RANKS_2_PROGRAM + train("--ranks=4"));
  EXPECT_EQ(four.code, 2);
  expectContains(four.output, "error: the program is for 2 ranks, 4 were started\n"
                              "note: compile it with nanochat-opt --ranks=4, or start 2 with --ranks=2");
  ProcessResult one = runProcess(TINY_RANKS_2_PROGRAM + train(""));
  EXPECT_EQ(one.code, 2);
  expectContains(one.output, "error: the program is for 2 ranks, 1 was started\nnote: start 2 with --ranks=2");
  ProcessResult two = runProcess(TINY_PROGRAM + train("--ranks=2"));
  EXPECT_EQ(two.code, 2);
  expectContains(two.output, "error: the program is for 1 rank, 2 were started");
  EXPECT_EQ(runProcess(TINY_PROGRAM + train("--ranks=1 --steps 1")).code, 0);
  std::vector<Started> three = launch({"", "", ""});
  expectBoth(three, 2, "error: the program is for 2 ranks, 3 were started");
}

TEST_F(RanksRun, has_the_same_options_data_and_start) {
  std::vector<Started> ranks = launch({"--steps 3", "--steps 4"});
  expectBoth(ranks, 2, ") has --steps 4, rank 0 (host ");
  std::string other = folder.write("other.rs", readFile(data) + "fn other() {}");
  ranks = launch({"--steps 3", "--steps 3 --data " + other});
  expectBoth(ranks, 2, ") has training data of hash ");
  ASSERT_EQ(run(2, "--steps 2 --eval-every 0 --checkpoints " + at("c")).code, 0);
  ranks = launch(
      {"--steps 3 --resume auto --checkpoints " + at("c"), "--steps 3 --resume auto --checkpoints " + at("unseen")});
  expectBoth(ranks, 2, ") resumes at step 0, rank 0 (host ");
  ASSERT_EQ(run(1, "--steps 1 --eval-every 0 --save " + at("one")).code, 0);
  ASSERT_EQ(run(1, "--steps 2 --eval-every 0 --save " + at("two")).code, 0);
  ranks = launch({"--steps 3 --init " + at("one"), "--steps 3 --init " + at("two")});
  expectBoth(ranks, 2, ") begins with parameters of hash ");
}

TEST_F(RanksRun, on_gpus_exchanges_through_the_host) {
  std::string options = "--steps 6 --eval-every 3 --log ",
              gpu = "LD_LIBRARY_PATH=" FAKE_CUDA_FOLDER " FAKE_CUDA_SAYS=1 ";
  ASSERT_EQ(run(2, options + at("cpu")).code, 0);
  std::string command = "env " + gpu + TINY_RANKS_DEVICE_PROGRAM + train(options + at("gpu")) + " --ranks=2";
  ProcessResult result = runProcess(command);
  EXPECT_EQ(result.code, 2);
  expectContains(result.output, "has 1 GPU for 2 ranks, of which two would share one");
  result = runProcess(command + " --device cuda:0");
  ASSERT_EQ(result.code, 0) << result.output;
  expectContains(result.output, "Fake GPU on each of 2 ranks over shared memory");
  EXPECT_EQ(log("gpu"), log("cpu"));
  EXPECT_EQ(result.output.find("graph of 4 kernels"), std::string::npos);
  expectContains(result.output, "graph of 3 kernels"); // of the update, which exchanges nothing
}

TEST_F(RanksRun, is_one_process_where_nothing_is_exchanged) {
  ASSERT_EQ(run(2, "--steps 2 --eval-every 0 --save " + at("s")).code, 0);
  auto alone = [&](const std::string &arguments) { return runProcess(TINY_RANKS_2_PROGRAM " " + arguments); };
  EXPECT_EQ(alone("eval --data " + data + " --init " + at("s")).code, 0);
  EXPECT_EQ(alone("generate -n 3 --prompt a --init " + at("s")).code, 0);
  ProcessResult gradients = alone("grad --init " + at("s") + " --batch " + data + " --out " + at("g"));
  EXPECT_EQ(gradients.code, 2);
  expectContains(gradients.output, "error: the program is for 2 ranks, which form gradients together");
  expectContains(alone("info").output, "ranks      2, which share 6 ways");
  nlohmann::json info = nlohmann::json::parse(alone("info --json").output);
  EXPECT_EQ(info["ranks"], 2);
  EXPECT_EQ(info["ways"], 6);
}
