// Whole runs of the tiny program, as a user would start them.
//
#include "TestTools.h"
#include "runtime/files/Safetensors.h"
#include "runtime/program/AllocationCounter.h"

#include <cmath>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

using namespace nc;
using namespace nc::test;
using Json = nlohmann::json;

namespace {

class CommandLine : public testing::Test {
protected:
  void SetUp() override { data = folder.write("text.rs", trainingText()); }

  ProcessResult run(const std::string &arguments, const char *program = TINY_PROGRAM) {
    return runProcess(std::string(program) + " " + arguments);
  }
  ProcessResult train(const std::string &more, const char *program = TINY_PROGRAM) {
    return run("train --data " + data + " --eval-every 0 " + more, program);
  }
  /// The rows of a log without the times.
  std::vector<Json> log(const std::string &name) {
    std::istringstream lines(readFile(folder.path(name)));
    std::vector<Json> rows;
    for (std::string line; std::getline(lines, line);) {
      rows.push_back(Json::parse(line));
      rows.back().erase("tok_s");
      rows.back().erase("mfu");
    }
    return rows;
  }
  std::string at(const std::string &name) { return folder.path(name); }
  void expectInputError(const std::string &arguments, const std::string &message) {
    ProcessResult result = run(arguments);
    EXPECT_EQ(result.code, 2) << arguments;
    expectContains(result.output, "error: ");
    expectContains(result.output, message);
  }

  TemporaryFolder folder;
  std::string data;
};

} // namespace

TEST_F(CommandLine, the_loss_falls_on_text) {
  ASSERT_EQ(run("train --data " + data + " --steps 100 --lr 2 --eval-every 40 --log " + at("l")).code, 0);
  std::vector<Json> rows = log("l");
  ASSERT_EQ(rows.size(), 103u);
  EXPECT_NEAR(double(rows[0]["loss"]), std::log(257), 0.1);
  EXPECT_LT(double(rows.back()["val_loss"]), 2.5);
  EXPECT_EQ(rows.back()["val_bpb_loop"].size(), 2u);
  EXPECT_EQ(rows[0]["exit_depth"], 1.75);
  EXPECT_EQ(rows[0]["lr"], 2);
  EXPECT_GT(double(rows[0]["grad_norm"]), 0);
}

TEST_F(CommandLine, threads_do_not_change_a_run_and_seeds_do) {
  for (const char *threads : {"1", "2", "4"})
    ASSERT_EQ(
        train(std::string("--steps 15 --threads ") + threads + " --log " + at(threads) + " --save " + at("s") + threads)
            .code,
        0);
  EXPECT_EQ(log("1"), log("2"));
  EXPECT_EQ(log("1"), log("4"));
  EXPECT_EQ(readFile(at("s1")), readFile(at("s4")));
  ASSERT_EQ(train("--steps 15 --seed 1 --log " + at("seed")).code, 0);
  EXPECT_NE(log("1"), log("seed"));
}

TEST_F(CommandLine, a_resumed_run_is_the_run_that_did_not_stop) {
  // 20 steps of 8 rows of 16 tokens in 2 micro-batches go beyond the first epoch; evaluations come
  // between; each part has another number of threads.
  std::string few = folder.write("few.rs", readFile(data).substr(0, 1800));
  std::string options = "train --data " + few + " --seed 5 --eval-every 5 --schedule-steps 20 ";
  ASSERT_EQ(run(options + "--steps 20 --log " + at("whole") + " --save " + at("a")).code, 0);
  std::string parts = options + "--log " + at("parts") + " --checkpoints " + at("c") + " --resume auto ";
  ASSERT_EQ(run(parts + "--steps 8 --threads 1").code, 0);
  ASSERT_EQ(run(parts + "--steps 10 --threads 4").code, 0);
  ProcessResult last = run(parts + "--steps 20 --threads 2 --save " + at("b"));
  ASSERT_EQ(last.code, 0);
  expectContains(last.output, "step-00000010': 10 steps are done");
  ProcessResult beyond = run("train --data " + few + " --eval-every 0 --steps 21 --resume " + at("c/step-00000020"));
  expectContains(beyond.output, "the schedule ends at step 20, as the run was begun; --schedule-steps 21");
  EXPECT_EQ(log("whole"), log("parts"));
  EXPECT_EQ(readFile(at("a")), readFile(at("b")));
}

TEST_F(CommandLine, init_starts_where_save_init_was) {
  ASSERT_EQ(run("train --steps 0 --seed 3 --save-init " + at("i")).code, 0);
  ASSERT_EQ(train("--steps 3 --seed 3 --log " + at("a")).code, 0);
  ASSERT_EQ(train("--steps 3 --seed 3 --init " + at("i") + " --log " + at("b")).code, 0);
  EXPECT_EQ(log("a"), log("b"));
}

TEST_F(CommandLine, a_step_allocates_nothing) {
  if (countedAllocations() < 0)
    GTEST_SKIP() << "built with a sanitizer";
  ProcessResult result = train("--steps 5 --count-allocations");
  EXPECT_EQ(result.code, 0);
  expectContains(result.output, "allocations in steps: 0\n");
}

TEST_F(CommandLine, the_f64_program_agrees_with_the_f32_one) {
  ASSERT_EQ(train("--steps 5 --log " + at("f32")).code, 0);
  ASSERT_EQ(train("--steps 5 --log " + at("f64"), TINY_F64_PROGRAM).code, 0);
  std::vector<Json> single = log("f32"), exact = log("f64");
  for (int i = 0; i < 5; ++i)
    EXPECT_NEAR(double(single[i]["loss"]), double(exact[i]["loss"]), 1e-5);
}

TEST_F(CommandLine, a_non_finite_step_stops_the_run_and_names_the_kernel) {
  ProcessResult result = train("--steps 5 --scalar poison_step=2 --log " + at("l"));
  EXPECT_EQ(result.code, 1);
  expectContains(result.output, "error: step 2: ");
  expectContains(result.output, "first appeared in tiny.bigram_loss (kernel 'bigram_loss'");
  EXPECT_EQ(log("l").size(), 2u);
}

TEST_F(CommandLine, a_signal_ends_the_run_after_a_step_and_saves) {
  ProcessResult result =
      runProcess(std::string("timeout --preserve-status -s INT 1 ") + TINY_PROGRAM + " train --data " + data +
                 " --steps 100000000 --eval-every 0 --save " + at("s") + " --checkpoints " + at("c"));
  EXPECT_EQ(result.code, 0);
  expectContains(result.output, "stopped by a signal after");
  EXPECT_TRUE(SafetensorsFile(at("s")).find("table"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(at("c")), {}), 2) << "the checkpoint and the lock";
}

TEST_F(CommandLine, a_user_signal_saves_and_the_run_goes_on) {
  std::string train = std::string(TINY_PROGRAM) + " train --data " + data +
                      " --steps 100000000 --eval-every 0 --keep-last 100 --checkpoints " + at("c");
  ProcessResult result =
      runProcess("(" + train + " & p=$!; sleep 0.5; kill -USR1 $p; sleep 0.5; kill -TERM $p; wait $p)");
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(at("c")), {}), 3) << "two checkpoints and the lock";
}

TEST_F(CommandLine, eval_measures_and_can_zero_a_parameter) {
  ASSERT_EQ(train("--steps 60 --lr 2 --save " + at("s")).code, 0);
  std::string eval = "eval --json --data " + data + " --init " + at("s");
  Json whole = Json::parse(run(eval).output);
  Json zeroed = Json::parse(run(eval + " --zero table --zero bias").output);
  EXPECT_LT(double(whole["bpb"]), 4);
  EXPECT_NEAR(double(zeroed["bpb"]), std::log2(257), 1e-4);
  EXPECT_EQ(whole["bpb_loop"].size(), 2u);
  EXPECT_EQ(whole["exit_depth"], 1.75);
}

TEST_F(CommandLine, generate_continues_a_prompt_and_obeys_its_seed) {
  ASSERT_EQ(train("--steps 200 --lr 4 --save " + at("s")).code, 0);
  std::string generate = "generate --init " + at("s") + " --prompt 'fn m' -n 40 ";
  ProcessResult greedy = run(generate + "--temperature 0");
  EXPECT_EQ(greedy.code, 0);
  EXPECT_EQ(greedy.output.substr(0, 4), "fn m");
  EXPECT_EQ(run(generate + "--top-k 1").output, greedy.output);
  EXPECT_EQ(run(generate + "--seed 1").output, run(generate + "--seed 1").output);
  EXPECT_NE(run(generate + "--seed 1").output, run(generate + "--seed 2").output);
  EXPECT_EQ(run(generate + "--exit-threshold 0.2").output, run(generate + "--loops 1").output);
  EXPECT_EQ(run(generate + "--exit-threshold 0.9").output, run(generate).output);
}

TEST_F(CommandLine, grad_writes_every_gradient) {
  ASSERT_EQ(run("train --steps 0 --save-init " + at("i")).code, 0);
  std::vector<int32_t> batch(256, 65);
  folder.write("batch", std::string(reinterpret_cast<char *>(batch.data()), 1024));
  ASSERT_EQ(run("grad --init " + at("i") + " --batch " + at("batch") + " --out " + at("g")).code, 0);
  SafetensorsFile file(at("g"));
  for (const char *name : {"loss", "nll", "exit_probability", "grad.table"})
    EXPECT_TRUE(file.find(name)) << name;
  ASSERT_TRUE(file.find("grad.bias"));
  std::vector<float> gradients(257);
  file.read(*file.find("grad.bias"), gradients.data());
  EXPECT_NEAR(gradients[65], -(0.25 * 0.5 + 0.75) * (1 - 1 / 257.0), 1e-3);
}

TEST_F(CommandLine, info_describes_the_program) {
  Json info = Json::parse(run("info --json").output);
  EXPECT_EQ(info["model"], "bigram");
  EXPECT_EQ(info["parameter_count"], 257 * 258);
  EXPECT_EQ(info["sizes"]["accum"], 2);
  EXPECT_EQ(info["entries"].size(), 4u);
  expectContains(run("info").output, "scratch per thread");
}

TEST_F(CommandLine, plot_draws_a_log) {
  ASSERT_EQ(run("train --data " + data + " --steps 20 --eval-every 10 --log " + at("l")).code, 0);
  ASSERT_EQ(run("plot " + at("l") + " -o " + at("p.svg")).code, 0);
  std::string picture = readFile(at("p.svg"));
  expectContains(picture, "</svg>");
  expectContains(picture, "<circle");
}

TEST_F(CommandLine, the_copy_task_logs_its_second_half) {
  ASSERT_EQ(run("train --copy-task --steps 3 --log " + at("l")).code, 0);
  EXPECT_NEAR(double(log("l")[0]["copy_nll"]), std::log(257), 0.1);
}

TEST_F(CommandLine, wrong_input_is_exit_code_2_and_says_why) {
  std::string init = at("i");
  ASSERT_EQ(run("train --steps 0 --save-init " + init).code, 0);
  expectInputError("train --data /none", "no such file or folder: '/none'");
  expectInputError("train", "no data");
  expectInputError("train --data " + data + " --copy-task", "exclude");
  expectInputError("train --data " + data + " --steps many", "expected an integer from 0 to 9007199254740992");
  expectInputError("train --data " + data + " --scalar speed=1", "no scalar 'speed'");
  expectInputError("train --data " + data + " --scalar lr", "expected NAME=NUMBER");
  expectInputError("train --data " + data + " --phase two", "no phase 'two'");
  expectInputError("train --data " + data + " --scalar lr=nan", "with a finite number");
  for (const char *option : {"--scalar lr=-1", "--at 1:lr=-1"})
    expectInputError("train --data " + data + " " + option, "scalar 'lr' is -1, expected a number of at least 0");
  expectInputError("train --data " + data + " --lr -1", "expected a finite number of at least 0");
  expectInputError("train --data " + data + " --set training.seed=99999999999999999999",
                   "expected an integer from 0 to 9223372036854775807");
  expectInputError("train --data " + data + " --set training.peak_lr=inf",
                   "'training.peak_lr' is inf, expected a finite number of at least 0");
  expectInputError("train --data " + data + " --save " + folder.path(""), "is a folder");
  expectInputError("train --data " + data + " --init " + data, "not a valid safetensors file");
  expectInputError("train --data " + data + " --resume " + init, "cannot read '" + init + "/manifest.json'");
  expectInputError("train --data " + data + " --resume auto", "no folder to look in");
  expectInputError("train --data " + data + " --checkpoints /proc/c", "cannot write in folder '/proc/c'");
  expectInputError("train --data " + data + " --data x=" + data + " --mix x=1", "no weight for '" + data);
  expectInputError("train --copy-task --val " + data, "--val and --copy-task exclude");
  expectInputError("train --data x=" + data + " --mix y=1", "no data is named 'y'");
  expectInputError("train --data x=" + data + " --mix x=0", "expected NAME=WEIGHT");
  expectInputError("train --data " + data + " --save /none/s", "cannot create files in '/none'");
  expectInputError("train --data " + folder.write("short.rs", "fn"), "one row needs 17");
  expectInputError("train --data " + at("") + " --ext py", "no files *.py");
  expectInputError("train --colour red", "--colour");
  expectInputError("dance", "no command 'dance'");
  expectInputError("tokenizer dance", "no command 'dance'");
  expectInputError("tokenizer", "expected a command");
  expectInputError("info --json=x", "found '--json = x', expected no value");
  expectInputError("train --at 9007199254740993:lr=1", "expected a step from 0 to 9007199254740992");
  expectInputError("eval --data " + data, "--init is required");
  expectInputError("eval --data " + data + " --init " + init + " --zero w", "no parameter 'w'");
  expectInputError("generate --loops 3 --init " + init, "expected 1 … 2");
  expectInputError("grad --init " + init + " --batch " + data + " --out " + at("g"), "expected 1024");
  expectInputError("plot " + data, "expected a JSON object");
  for (const char *command : {"plot ", "report "})
    expectInputError(command + data + " -o " + data, "is also what this command reads");
  expectInputError("grad --init " + init + " --batch " + data + " --out " + data, "is also what --batch reads");
}

TEST_F(CommandLine, tokens_beyond_the_vocabulary_are_refused) {
  ASSERT_EQ(run("train --steps 0 --save-init " + at("i")).code, 0);
  std::vector<int32_t> batch(256, 257);
  folder.write("batch", std::string(reinterpret_cast<char *>(batch.data()), 1024));
  expectInputError("grad --init " + at("i") + " --batch " + at("batch") + " --out " + at("g"),
                   "tokens[0] is 257, expected 0 … 256");
  ProcessResult result = train("--steps 1", TINY_SMALL_VOCAB_PROGRAM);
  EXPECT_EQ(result.code, 2);
  expectContains(result.output, "byte 102 at offset 0 is not below the vocabulary of 100");
}
