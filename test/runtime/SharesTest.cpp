// Ranks that have rows of the table each: what they save is what one rank saves, and any number of ranks goes on with
// it.
//
#include "runtime/program/Shares.h"
#include "RanksRun.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/Manifest.h"
#include "runtime/checkpoint/ModelFile.h"
#include "runtime/program/Initialize.h"
#include "runtime/program/Program.h"

#include <nlohmann/json.hpp>

using namespace nc;
using namespace nc::test;

static const nc_program &tiny = *nc_programs[0];

namespace {

class SharesRun : public RanksRun {
protected:
  /// Of ranks with shares.
  std::string command(int ranks, const std::string &more) {
    std::string start = ranks > 1 ? " --ranks=" + std::to_string(ranks) : "";
    return shares[ranks - 1] + " " + more + start;
  }
  ProcessResult runShares(int ranks, const std::string &more) { return runProcess(command(ranks, train(more))); }
  void expectRun(const ProcessResult &result) { ASSERT_EQ(result.code, 0) << result.output; }
  std::set<std::string> files(const std::string &name) {
    std::set<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(at(name)))
      names.insert(entry.path().filename());
    return names;
  }

  const std::string shares[3] = {TINY_SHARES_1_PROGRAM, TINY_SHARES_2_PROGRAM, TINY_SHARES_3_PROGRAM};
};

/// A program of one rank, whose table has fewer rows than there is room for.
struct SharedProgram {
  explicit SharedProgram(int64_t rows, int32_t dtype = NC_F32) : tensors(tiny.tensors, tiny.tensors + tiny.n_tensors) {
    for (nc_tensor &tensor : tensors)
      if (tensor.rank == 2 && tensor.arena != NC_ARENA_IO) {
        tensor.rows = rows;
        tensor.dtype = tensor.kind == NC_PARAM ? dtype : tensor.dtype;
      }
    program.tensors = tensors.data();
  }
  std::vector<nc_tensor> tensors;
  nc_program program = tiny;
};

} // namespace

TEST(Shares, begin_as_rows_of_the_whole) {
  SharedProgram shared(200);
  Session whole(tiny, 2), share(shared.program, 2);
  initialize(whole, 4);
  initialize(share, 4);
  const nc_tensor &table = *tensorsOf(shared.program, NC_PARAM)[0];
  auto *all = static_cast<const float *>(whole.data(*tensorsOf(tiny, NC_PARAM)[0]));
  auto *own = static_cast<const float *>(share.data(table));
  EXPECT_EQ(memcmp(own, all, 200 * 257 * sizeof(float)), 0);
  for (int64_t i = 200 * 257; i < 257 * 257; ++i)
    ASSERT_EQ(own[i], 0);
}

TEST(Shares, are_rows_by_rank) {
  nc_tensor tensor = {};
  tensor.rank = 2, tensor.shape[0] = 3, tensor.shape[1] = 5, tensor.rows = 7;
  int64_t firsts[] = {0, 3, 6, 7}, ends[] = {3, 6, 7, 7};
  for (int rank : {0, 1, 2, 3}) {
    EXPECT_EQ(rowsOf(tensor, rank).first, firsts[rank]);
    EXPECT_EQ(rowsOf(tensor, rank).end, ends[rank]);
    EXPECT_EQ(ownFirst(tensor, rank), 5 * firsts[rank]);
  }
  EXPECT_EQ(wholeCount(tensor), 35);
}

TEST(Shares, take_their_rows_from_whole_tensors) {
  TemporaryFolder folder;
  std::vector<float> table(200 * 257), bias(257, 0.5f);
  for (size_t i = 0; i < table.size(); ++i)
    table[i] = float(i % 1000) / 8;
  auto write = [&](int64_t rows) {
    writeSafetensors(folder.path("m"),
                     {{"table", NC_F32, {rows, 257}, table.data()}, {"bias", NC_F32, {257}, bias.data()}}, {});
    return folder.path("m");
  };
  for (int32_t dtype : {NC_F32, NC_BF16}) {
    SharedProgram shared(200, dtype);
    Session session(shared.program, 1);
    loadParameters(session, write(200));
    const nc_tensor &own = *tensorsOf(shared.program, NC_PARAM)[0];
    for (int64_t i : {0, 999, 1000, 200 * 257 - 1})
      EXPECT_NEAR(session.read(own, i), table[size_t(i)], dtype == NC_F32 ? 0 : 0.5);
    EXPECT_EQ(session.read(own, 200 * 257), 0);
    expectContains(errorOf([&] { loadParameters(session, write(199)); }),
                   "tensor 'table' is f32 [199, 257], expected " + std::string(dtypeName(dtype)) + " [200, 257]");
  }
}

TEST(TensorFiles, are_whole_or_refused) {
  TemporaryFolder folder;
  std::vector<float> numbers(64);
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = float(i);
  struct Rows {
    int64_t first, end;
    int32_t dtype = NC_F32;
  };
  // One file for each range.
  auto read = [&](const std::vector<Rows> &ranges) {
    for (size_t rank = 0; rank < ranges.size(); ++rank) {
      auto [first, end, dtype] = ranges[rank];
      writeSafetensors(fileOfRank(folder.path("m.safetensors"), int(rank)),
                       {{rangeName("w", first, end), dtype, {end - first, 4}, &numbers[size_t(4 * first)]}},
                       {{kFiles, std::to_string(ranges.size())}});
    }
    return TensorFiles(folder.path("m.safetensors"));
  };
  TensorFiles whole = read({{0, 2}, {2, 7}, {7, 8}});
  const TensorFiles::Tensor &tensor = *whole.find("w");
  EXPECT_EQ(tensor.shape, (std::vector<int64_t>{8, 4}));
  float some[20];
  whole.read(tensor, 6, 20, some);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(some[i], float(6 + i));
  auto refused = [&](const std::vector<Rows> &ranges) { return errorOf([&] { read(ranges); }); };
  expectContains(refused({{0, 2}, {3, 8}}), "m-1.safetensors': tensor 'w[3:8]' begins behind rows that no file has");
  expectContains(refused({{1, 2}, {2, 8}}), "tensor 'w[1:2]' begins behind rows that no file has");
  expectContains(refused({{0, 4}, {3, 8}}), "tensor 'w[3:8]' has rows that another file has, too");
  expectContains(refused({{0, 4}, {4, 8, NC_I32}}), "tensor 'w[4:8]' is of another type than its other rows");
  std::filesystem::remove(folder.path("m-1.safetensors"));
  expectContains(errorOf([&] { TensorFiles(folder.path("m.safetensors")); }), "m-1.safetensors'");
}

TEST_F(SharesRun, save_what_one_rank_saves) {
  std::string options = "--steps 7 --eval-every 3 --eval-batches 5 --count-allocations --log ";
  auto outputs = [&](const std::string &name) {
    return at("l" + name) + " --save " + at("s" + name) + " --save-init " + at("i" + name);
  };
  expectRun(run(1, options + outputs("")));
  for (int ranks : {1, 2, 3}) {
    std::string number = std::to_string(ranks);
    ProcessResult result = runShares(ranks, options + outputs(number) + (ranks == 3 ? " --comm=tcp" : ""));
    expectRun(result);
    if (result.output.find("cannot be counted") == std::string::npos)
      expectContains(result.output, "allocations in steps: 0\n");
    EXPECT_EQ(log("l" + number), log("l"));
    EXPECT_TRUE(readFile(at("s" + number)) == readFile(at("s")));
    EXPECT_TRUE(readFile(at("i" + number)) == readFile(at("i")));
  }
}

TEST_F(SharesRun, are_resumed_by_any_number_of_ranks) {
  std::string options = "--eval-every 0 --schedule-steps 12 ";
  expectRun(run(1, options + "--steps 12 --log " + at("whole") + " --save " + at("a")));
  std::string parts = options + "--keep-last 2 --checkpoints " + at("c") + " --resume auto --log " + at("parts");
  expectRun(runShares(2, parts + " --steps 2 --save-every 1"));
  EXPECT_EQ(files("c"), (std::set<std::string>{".lock", "step-00000001", "step-00000002"}));
  EXPECT_EQ(files("c/step-00000002"),
            (std::set<std::string>{"manifest.json", "model.safetensors", "model-1.safetensors", "optimizer.safetensors",
                                   "optimizer-1.safetensors"}));
  expectRun(runShares(3, parts + " --steps 5"));
  expectRun(run(1, parts + " --steps 7"));
  EXPECT_EQ(files("c/step-00000007"),
            (std::set<std::string>{"manifest.json", "model.safetensors", "optimizer.safetensors"}));
  expectRun(runShares(1, parts + " --steps 8"));
  expectRun(runShares(3, parts + " --steps 10"));
  expectRun(run(2, parts + " --steps 12 --save " + at("b")));
  EXPECT_EQ(log("parts"), log("whole"));
  EXPECT_TRUE(readFile(at("a")) == readFile(at("b")));
  EXPECT_EQ(files("c"), (std::set<std::string>{".lock", "step-00000010", "step-00000012"}));
}

TEST_F(SharesRun, are_read_as_one_model) {
  expectRun(runShares(3, "--steps 3 --eval-every 0 --checkpoints " + at("c") + " --save " + at("s")));
  std::string checkpoint = " --init " + at("c/step-00000003"), file = " --init " + at("s");
  std::string eval = "eval --json --batches 4 --data " + data, generate = "generate -n 3 --prompt fn";
  std::string expected = runProcess(TINY_PROGRAM " " + eval + file).output;
  expectContains(expected, "{\"loss\": ");
  EXPECT_EQ(runProcess(TINY_PROGRAM " " + eval + checkpoint).output, expected);
  EXPECT_EQ(runProcess(command(3, eval + checkpoint)).output, expected);
  EXPECT_EQ(runProcess(command(2, eval + file)).output, expected);
  EXPECT_EQ(runProcess(TINY_PROGRAM " " + generate + checkpoint).output,
            runProcess(TINY_PROGRAM " " + generate + file).output);
  EXPECT_EQ(runProcess(TINY_F64_PROGRAM " " + generate + checkpoint).code, 0);
  expectRun(runShares(2, "--steps 1 --eval-every 0 --init " + at("c/step-00000003")));
  ProcessResult alone = runProcess(shares[1] + " " + generate + file);
  EXPECT_EQ(alone.code, 2);
  expectContains(alone.output, "each of which has a share of the parameters: 'generate' is one process\nnote: ");
  alone = runProcess(shares[1] + " " + eval + file);
  EXPECT_EQ(alone.code, 2);
  expectContains(alone.output, "error: the program is for 2 ranks, 1 was started\nnote: start 2 with --ranks=2");
}

TEST_F(SharesRun, are_described_with_the_whole) {
  std::string text = runProcess(shares[1] + " info").output;
  expectContains(text, "[129 of 257, 257]             66049");
  EXPECT_TRUE(std::regex_search(text, std::regex("total +66306\nof a rank +33410\n"))) << text;
  nlohmann::json info = nlohmann::json::parse(runProcess(shares[1] + " info --json").output);
  EXPECT_EQ(info["parameter_count"], 66306);
  EXPECT_EQ(info["parameter_count_of_rank"], 33410);
  EXPECT_EQ(info["parameters"][0]["shape"], (std::vector<int>{257, 257}));
  EXPECT_EQ(info["parameters"][0]["rows_of_rank"], 129);
}

TEST_F(SharesRun, that_one_rank_cannot_write_leave_the_older_checkpoint) {
  std::string options = "--eval-every 0 --comm=tcp --checkpoints " + at("c");
  expectRun(runShares(2, options + " --steps 1"));
  // Rank 1 has room for messages, and for no share.
  std::string limited = at("limited");
  std::ofstream(limited) << "trap '' XFSZ\n[ $RANK = 1 ] && ulimit -f 64\nexec " << shares[1] << " \"$@\"\n";
  std::string more = options + " --resume auto --save-every 1 --steps 3";
  std::vector<Started> ranks = launch({more, more}, "", "sh " + limited);
  ProcessResult first = ranks[0].end(), second = ranks[1].end();
  EXPECT_EQ(first.code, 1);
  EXPECT_EQ(second.code, 1);
  EXPECT_TRUE(
      std::regex_search(first.output, std::regex("warning: step 2 is not saved: rank 1 \\(host .*\\): cannot write "
                                                 "'.*model-1.safetensors': File too large; the run goes on and tries "
                                                 "again\n")))
      << first.output;
  EXPECT_EQ(second.output.find("warning"), std::string::npos) << second.output;
  EXPECT_EQ(files("c"), (std::set<std::string>{".lock", "step-00000001"}));
  expectRun(runShares(2, options + " --resume auto --steps 3"));
}

TEST_F(SharesRun, that_are_killed_leave_whole_checkpoints) {
  std::string more =
      "--eval-every 0 --resume auto --save-every 1 --keep-last 1000 --steps 100000 --checkpoints " + at("c");
  for (size_t killed : {1, 0}) {
    std::vector<Started> ranks = launch({more, more}, "", shares[1]);
    waitUntil([&] { return std::filesystem::exists(at("c")) && checkpoints("c").size() > 3 * (2 - killed); });
    ranks[killed].send(SIGKILL);
    EXPECT_EQ(ranks[1 - killed].end().code, 1);
  }
  ASSERT_FALSE(checkpoints("c").empty());
  for (const std::string &name : checkpoints("c")) {
    CheckpointManifest::read(at("c/" + name)).checkFiles(at("c/" + name));
    EXPECT_EQ(TensorFiles(at("c/" + name + "/model.safetensors")).find("table")->shape,
              (std::vector<int64_t>{257, 257}));
  }
  int64_t last = std::stoll(checkpoints("c").back().substr(5));
  std::filesystem::create_directories(at("c/.step-00000900.2147483600"));
  std::string parts = "--eval-every 0 --resume auto --checkpoints " + at("c") + " --keep-last 1000 --steps ";
  ProcessResult result = runShares(3, parts + std::to_string(last + 1));
  expectRun(result);
  expectContains(result.output, format("%lld steps are done", static_cast<long long>(last)));
  for (const std::string &name : files("c"))
    EXPECT_TRUE(name == ".lock" || name[0] != '.') << name;
}

TEST_F(SharesRun, need_one_folder_of_checkpoints) {
  std::string options = "--steps 3 --checkpoints ";
  std::vector<Started> ranks = launch({options + at("c"), options + at("unseen")}, "", shares[1]);
  expectBoth(ranks, 2, "--checkpoints: ");
  EXPECT_TRUE(std::regex_search(
      ranks[0].text(),
      std::regex("rank 1 \\(host .*\\): '.*/unseen' is not the folder that rank 0 \\(host .*\\) writes to")))
      << ranks[0].text();
  ranks = launch({options + at("c"), "--steps 3"}, "", shares[1]);
  expectBoth(ranks, 2, "has no --checkpoints");
}

TEST_F(SharesRun, that_are_not_finite_end_all) {
  std::string options = "--steps 1 --eval-every 0 --weight-decay 1e38 --at 0:lr=1e30 --save " + at("s");
  std::vector<Started> ranks = launch({options, options}, "", shares[1]);
  expectBoth(ranks, 1, "parameter 'table'[0] is not a finite number, so nothing is saved");
  EXPECT_TRUE(std::regex_search(ranks[1].text(), std::regex("error: step 1: rank 0 \\(host .*\\): parameter")))
      << ranks[1].text();
  EXPECT_FALSE(std::filesystem::exists(at("s")));
  options = "--steps 5 --scalar poison_step=2";
  ranks = launch({options, options}, "TINY_POISON_RANK=1", shares[1]);
  expectBoth(ranks, 1, "gradient 'table'[");
  EXPECT_TRUE(
      std::regex_search(ranks[0].text(), std::regex("rank 1 \\(host .*\\): it first appeared in tiny.bigram_loss")))
      << ranks[0].text();
}

TEST_F(SharesRun, are_saved_to_files_only) {
  ProcessResult result = runShares(2, "--steps 1 --save /dev/null");
  EXPECT_EQ(result.code, 2);
  expectContains(result.output, "--save: '/dev/null' takes bytes only in their order");
}

TEST_F(SharesRun, of_gpus_are_saved_by_the_host) {
  std::string options = "--steps 4 --eval-every 2 --log ";
  expectRun(run(1, options + at("whole") + " --save " + at("a")));
  std::string gpu = "env LD_LIBRARY_PATH=" FAKE_CUDA_FOLDER " " TINY_SHARES_DEVICE_PROGRAM;
  std::string parts = options + at("gpu") + " --save " + at("b") + " --checkpoints " + at("c");
  expectRun(runProcess(gpu + train(parts + " --ranks=2 --device cuda:0")));
  EXPECT_EQ(log("gpu"), log("whole"));
  EXPECT_TRUE(readFile(at("a")) == readFile(at("b")));
  EXPECT_EQ(runProcess(TINY_PROGRAM " generate -n 1 --prompt fn --init " + at("c/step-00000004")).code, 0);
}
