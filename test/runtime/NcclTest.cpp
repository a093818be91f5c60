// Ranks on GPUs that exchange through NCCL, on stand-ins for it and for the driver (fake/): the bits of one rank, waits
// that are missing, failures.
//
#include "RanksRun.h"
#include "runtime/device/NcclCommunicator.h"

using namespace nc;
using namespace nc::test;

namespace {

class NcclRun : public RanksRun {
protected:
  static constexpr const char *kStandIns =
      "LD_LIBRARY_PATH=" FAKE_CUDA_FOLDER " FAKE_CUDA_DEVICES=3 NANOCHAT_NCCL=" FAKE_NCCL " ";

  /// At a rate that no scalar begins with.
  std::string train(const std::string &more) { return " train --lr 0.5 --seed 1 --data " + data + " " + more; }
  /// By one command, on a GPU each.
  ProcessResult runGpus(int ranks, const std::string &more, const std::string &environment = "") {
    return runProcess("env " + (kStandIns + environment) + " timeout 100 " + gpus[ranks - 2] + train(more) +
                      " --ranks=" + std::to_string(ranks));
  }
  /// Two ranks, whose ends are to be seen.
  std::vector<Started> launchGpus(const std::string &more, const std::string &environment = "",
                                  const std::string &program = TINY_GPUS_2_PROGRAM) {
    return launch({more, more}, kStandIns + environment, program);
  }
  /// Two ranks without an end, once they replay graphs.
  std::vector<Started> launchLongGpus(const std::string &more, const std::string &program = TINY_GPUS_2_PROGRAM) {
    std::vector<Started> ranks = launchGpus("--steps 100000000 --eval-every 0 " + more, "", program);
    waitUntil([&] { return std::regex_search(ranks[0].text(), std::regex("step ([4-9]|[1-9][0-9]+)/")); });
    return ranks;
  }
  /// How often streams waited for events of others, by all ranks.
  static int64_t waits(const ProcessResult &result) {
    std::regex word("wait [0-9]+\n");
    return std::distance(std::sregex_iterator(result.output.begin(), result.output.end(), word),
                         std::sregex_iterator());
  }

  const std::string gpus[2] = {TINY_GPUS_2_PROGRAM, TINY_GPUS_3_PROGRAM};
  const std::string cpus[2] = {TINY_CPUS_2_PROGRAM, TINY_CPUS_3_PROGRAM}; // of as many ranks
  const std::string cpu[2] = {TINY_CPU_2_PROGRAM, TINY_CPU_3_PROGRAM};    // of one rank with as many ways
};

std::string bytesSent(const ProcessResult &result) {
  std::smatch found;
  return std::regex_search(result.output, found, std::regex("bytes sent per step: [0-9]+\n")) ? found.str() : "";
}

} // namespace

TEST_F(NcclRun, has_the_bits_of_one_rank_and_of_the_host) {
  std::string options = "--steps 6 --eval-every 4 --count-bytes --log ";
  auto files = [&](const std::string &name) { return at("l" + name) + " --save " + at("s" + name); };
  for (int ranks : {2, 3}) {
    ASSERT_EQ(runProcess(cpu[ranks - 2] + train(options + files("one"))).code, 0);
    std::string start = " --ranks=" + std::to_string(ranks);
    ProcessResult host = runProcess(cpus[ranks - 2] + train(options + files("host")) + start);
    EXPECT_NE(bytesSent(host), "");
    EXPECT_EQ(log("lhost"), log("lone"));
    for (const char *how : {"A=1", "TINY_IRREGULAR=1"}) // in graphs, and as calls
      for (const char *late : {"", "0", "1", "01"}) {
        ProcessResult result = runGpus(ranks, options + files("gpus"), format("%s FAKE_CUDA_LATE=%s", how, late));
        ASSERT_EQ(result.code, 0) << result.output;
        expectContains(result.output, format("Fake GPU on each of %d ranks over NCCL 2.23.4,", ranks));
        EXPECT_EQ(bytesSent(result), bytesSent(host));
        EXPECT_EQ(log("lgpus"), log("lone")) << how << late;
        EXPECT_TRUE(readFile(at("sgpus")) == readFile(at("sone"))) << how << late;
      }
  }
}

TEST_F(NcclRun, is_in_graphs_of_all_ranks_or_of_none) {
  auto count = [&](int64_t steps, const std::string &more, const std::string &environment) {
    ProcessResult result =
        runGpus(2, format("--steps %lld --eval-every 0 ", wide(steps)) + more, environment + " FAKE_CUDA_SAYS=1");
    EXPECT_EQ(result.code, 0) << result.output;
    return waits(result);
  };
  EXPECT_EQ(count(9, "", ""), count(4, "", ""));
  EXPECT_GT(count(9, "", "TINY_IRREGULAR=1"), count(4, "", "TINY_IRREGULAR=1"));
  // One alone is watched.
  EXPECT_GT(count(9, "--profile", ""), count(4, "--profile", ""));
}

TEST_F(NcclRun, has_no_wait_that_could_be_left_out) {
  std::string options = "--steps 5 --eval-every 3 --comm-timeout=20 --log ";
  ASSERT_EQ(runProcess(cpu[0] + train(options + at("one"))).code, 0);
  int64_t each = waits(runGpus(2, options + at("all"), "FAKE_CUDA_SAYS=1")) / 2;
  // Of gradients, of the update and of an evaluation, called and recorded.
  ASSERT_EQ(each, 22);
  std::vector<int64_t> unnoticed;
  for (int64_t wait = 1; wait <= each; ++wait) {
    bool isNoticed = false;
    // That of kernels is late, or that of exchanges.
    for (const char *late : {"0", "1"})
      if (!isNoticed) {
        ProcessResult result = runGpus(2, options + at("without"),
                                       format("FAKE_CUDA_LATE=%s FAKE_CUDA_IGNORES_WAIT=%lld", late, wide(wait)));
        isNoticed = result.code != 0 || log("without") != log("one");
      }
    if (!isNoticed)
      unnoticed.push_back(wait);
  }
  // The first of a called entry, where what goes was there before it: a stream that is captured needs it all the same.
  EXPECT_EQ(unnoticed, (std::vector<int64_t>{1, 19}));
}

TEST_F(NcclRun, blames_the_rank_where_a_number_is_not_finite) {
  std::vector<Started> ranks = launchGpus("--steps 6 --scalar poison_step=4", "TINY_POISON_RANK=1");
  expectFailure(ranks[0], 60, "not a finite number; rank 1 \\(host .*\\): it first");
  EXPECT_EQ(ranks[1].end().code, 1);
}

TEST_F(NcclRun, names_a_rank_that_dies_and_saves_what_was_reached) {
  std::vector<Started> ranks = launchLongGpus("--checkpoints " + at("c"), TINY_RANKS_DEVICE_PROGRAM);
  ranks[1].send(SIGKILL);
  expectFailure(ranks[0], 10, "error: rank 1 \\(host .*\\) ended in step [0-9]+");
  EXPECT_EQ(checkpoints("c").size(), 1u);
}

TEST_F(NcclRun, names_a_rank_that_stops) {
  std::vector<Started> ranks = launchLongGpus("--comm-timeout=2");
  ranks[0].send(SIGSTOP);
  expectFailure(ranks[1], 12,
                "error: (rank 0 \\(host .*\\) was not heard from|what other ranks send has not come) "
                "for 2 s.* step [0-9]+");
}

TEST_F(NcclRun, ends_where_nccl_hangs_or_fails) {
  std::string lost = "error: what other ranks send has not come for 2 s, step [0-9]+, '(table|bias|rate)'";
  std::string failed = "NCCL fails: unhandled system error \\(error 2\\): said by a stand-in, step [0-9]+, ";
  struct Case {
    const char *environment, *timeout;
    std::string first, second;
  };
  for (const Case &test : {
           Case{"FAKE_NCCL_HANGS=1:40", "2", lost, lost},
           Case{"FAKE_NCCL_HANGS=1:40 FAKE_NCCL_ABORT_HANGS=1", "2", lost, lost},
           Case{"FAKE_NCCL_FAILS=1:40", "20", "error: rank 1 \\(host .*\\): " + failed, "error: " + failed},
           Case{"FAKE_NCCL_FAILS=0:40", "20", "error: " + failed, "error: rank 0 \\(host .*\\): " + failed},
       }) {
    std::vector<Started> ranks =
        launchGpus(std::string("--steps 1000 --eval-every 0 --comm-timeout=") + test.timeout, test.environment);
    ProcessResult first = ranks[0].end(15), second = ranks[1].end(15); // the timeout, and 5 s for the end
    EXPECT_EQ(first.code, 1) << test.environment;
    EXPECT_EQ(second.code, 1) << test.environment;
    EXPECT_TRUE(std::regex_search(first.output, std::regex(test.first))) << test.environment << first.output;
    EXPECT_TRUE(std::regex_search(second.output, std::regex(test.second))) << test.environment << second.output;
  }
}

TEST_F(NcclRun, tries_every_pair_before_the_first_step) {
  std::string advice = "note: NCCL_P2P_DISABLE=1 has NCCL go another way between GPUs";
  for (int round : {1, 2}) { // in which rank 1 hears from rank 0, and from rank 2
    ProcessResult wrong = runGpus(3, "--steps 3", format("FAKE_NCCL_CORRUPTS=1:%d", round));
    EXPECT_EQ(wrong.code, 2);
    expectContains(wrong.output, format("byte 524288 of what NCCL brought from rank %d (host", 2 * (round - 1)));
    expectContains(wrong.output, advice);
    EXPECT_EQ(wrong.output.find("step 1/"), std::string::npos);
  }
  std::vector<Started> ranks = launchGpus("--steps 3 --comm-timeout=1", "FAKE_NCCL_HANGS=1:1");
  std::string all;
  for (Started &rank : ranks) {
    ProcessResult result = rank.end(15); // five times as long, at the start
    EXPECT_EQ(result.code, 1);
    expectContains(result.output, "nothing has come through NCCL from rank ");
    all += result.output;
  }
  expectContains(all, advice); // of who said it first
}

TEST_F(NcclRun, needs_nccl_and_a_gpu_for_each_rank_where_it_is_asked_for) {
  auto expectRefused = [&](const std::string &more, const std::string &environment, const std::string &message) {
    std::vector<Started> ranks = launchGpus("--steps 2 --comm=nccl " + more, environment);
    expectBoth(ranks, 2, message);
    ProcessResult result = runGpus(2, "--steps 2 --eval-every 0 " + more, environment); // auto goes another way
    EXPECT_EQ(result.code, 0) << result.output;
    expectContains(result.output, "over shared memory, through the host: ");
    expectContains(result.output, message);
  };
  expectRefused("", "FAKE_NCCL_VERSION=21703", "NCCL is 2.17.3, and needs to be 2.18 or newer");
  expectRefused("", "NANOCHAT_NCCL=/none/libnccl.so.2", "there is no NCCL (/none/libnccl.so.2)");
  expectRefused("--device=cuda:0", "", "the GPU is that of rank ");
  std::string other = folder.write("other", "not ELF");
  expectRefused("", "NANOCHAT_NCCL=" + other, "there is no NCCL (" + other + ")");
  expectRefused("", "NANOCHAT_NCCL=" FAKE_CUDA_FOLDER "/libcuda.so.1", "is not NCCL");
  ProcessResult processors = runProcess(TINY_RANKS_2_PROGRAM + train("--ranks=2 --comm=nccl"));
  EXPECT_EQ(processors.code, 2);
  expectContains(processors.output, "error: --comm=nccl is between GPUs, and test is none");
  EXPECT_EQ(runProcess(TINY_RANKS_2_PROGRAM " comm --ranks=2 --comm=nccl").code, 2);
}

TEST(Nccl, cuts_large_messages) {
  static std::vector<std::pair<std::string, size_t>> calls;
  calls.clear();
  NcclLibrary library;
  library.uniqueId = [](NcclLibrary::Id *) { return 0; };
  library.begin = [](NcclLibrary::Handle *handle, int, NcclLibrary::Id, int, NcclLibrary::Config *config) {
    EXPECT_EQ(config->blocking, 0);
    *handle = &calls;
    return NcclLibrary::kSuccess;
  };
  library.asyncError = [](NcclLibrary::Handle, int *state) { return *state = 0; };
  library.abort = [](NcclLibrary::Handle) { return 0; };
  library.groupStart = library.groupEnd = [] { return 0; };
  library.send = [](const void *from, size_t bytes, int type, int, NcclLibrary::Handle, NcclLibrary::Handle) {
    EXPECT_EQ(type, NcclLibrary::kBytes);
    calls.emplace_back(format("send from %zu", size_t(from)), bytes);
    return 0;
  };
  library.receive = [](void *to, size_t bytes, int, int, NcclLibrary::Handle, NcclLibrary::Handle) {
    calls.emplace_back(format("receive to %zu", size_t(to)), bytes);
    return 0;
  };
  Ranks alone;
  NcclCommunicator communicator(library, alone, [](Deadline) {});
  constexpr int64_t kMost = int64_t(1) << 30;
  auto at = [](int64_t place) { return reinterpret_cast<char *>(place); };
  communicator.group([&] {
    communicator.send(at(64), 2 * kMost + 5, 1, nullptr);
    communicator.receive(at(128), kMost, 1, nullptr);
    communicator.receive(at(128), 0, 1, nullptr);
  });
  std::vector<std::pair<std::string, size_t>> expected = {{"send from 64", kMost},
                                                          {format("send from %lld", wide(64 + kMost)), kMost},
                                                          {format("send from %lld", wide(64 + 2 * kMost)), 5},
                                                          {"receive to 128", kMost}};
  EXPECT_EQ(calls, expected);
}
