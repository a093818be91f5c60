// Programs for a GPU on a driver that stands in for NVIDIA's (fake/FakeCuda.c): arenas, copies, graphs,
// errors.
//
#include "runtime/device/CudaDevice.h"
#include "TestTools.h"
#include "runtime/device/ProgramChoice.h"

#include <regex>
#include <sstream>

using namespace nc;
using namespace nc::test;

namespace {

class CudaDeviceRun : public testing::Test {
protected:
  ProcessResult run(const std::string &arguments, const char *program = TINY_DEVICE_PROGRAM,
                    const std::string &environment = "LD_LIBRARY_PATH=" FAKE_CUDA_FOLDER) {
    return runProcess("env " + environment + " " + program + " " + arguments);
  }

  TemporaryFolder folder;
  std::string text = std::string(4000, 'a') + "the quick brown fox jumps over the lazy dog";
  std::string data = std::filesystem::path(folder.write("data/a.txt", text)).parent_path();
};

TEST_F(CudaDeviceRun, trains_as_on_a_processor) {
  std::string options = " --data " + data + " --ext txt --steps 12 --seed 3 --save ";
  ProcessResult here = run("train" + options + folder.path("cpu.safetensors"), TINY_PROGRAM, "A=1");
  ProcessResult there = run("train" + options + folder.path("gpu.safetensors"));
  ASSERT_EQ(here.code, 0) << here.output;
  ASSERT_EQ(there.code, 0) << there.output;
  expectContains(there.output, "model bigram (test), Fake GPU, ");
  std::string parameters = readFile(folder.path("cpu.safetensors"));
  EXPECT_FALSE(parameters.empty());
  EXPECT_EQ(parameters, readFile(folder.path("gpu.safetensors")));
}

/// What a log says of losses.
std::string lossesOf(const std::string &log) {
  return std::regex_replace(readFile(log), std::regex("\"grad_norm\"[^\n]*"), "");
}

TEST_F(CudaDeviceRun, replays_a_graph_of_one_micro_batch) {
  std::string options = "train --data " + data + " --ext txt --steps 5 --seed 3 --eval-every 0 --log ";
  ProcessResult here = run(options + folder.path("cpu.jsonl"), TINY_PROGRAM, "A=1");
  ProcessResult there = run(options + folder.path("gpu.jsonl"), TINY_DEVICE_PROGRAM,
                            "FAKE_CUDA_SAYS=1 LD_LIBRARY_PATH=" FAKE_CUDA_FOLDER);
  ASSERT_EQ(here.code + there.code, 0) << here.output << there.output;
  EXPECT_FALSE(lossesOf(folder.path("cpu.jsonl")).empty());
  EXPECT_EQ(lossesOf(folder.path("cpu.jsonl")), lossesOf(folder.path("gpu.jsonl")));
  // Of gradients, the loss before and three kernels after the four parts of the mean; then of the update.
  std::string graphs;
  std::regex said("graph of [0-9]+ kernels");
  for (std::sregex_iterator at(there.output.begin(), there.output.end(), said), none; at != none; ++at)
    graphs += at->str() + "; ";
  EXPECT_EQ(graphs, "graph of 1 kernels; graph of 1 kernels; graph of 3 kernels; graph of 3 kernels; ");
}

TEST_F(CudaDeviceRun, waits_for_all_that_it_reads) {
  std::string options = "train --data " + data + " --ext txt --steps 5 --seed 3 --eval-every 2 --checkpoints ";
  auto save = [&](const std::string &name) {
    return options + folder.path(name + "-c") + " --save " + folder.path(name);
  };
  ProcessResult soon = run(save("soon"));
  ProcessResult late = run(save("late"), TINY_DEVICE_PROGRAM, "FAKE_CUDA_LATE=0 LD_LIBRARY_PATH=" FAKE_CUDA_FOLDER);
  ASSERT_EQ(soon.code + late.code, 0) << soon.output << late.output;
  EXPECT_EQ(readFile(folder.path("soon")), readFile(folder.path("late")));
}

TEST_F(CudaDeviceRun, calls_kernels_where_micro_batches_differ) {
  std::string options = "train --data " + data + " --ext txt --steps 5 --seed 3 --eval-every 0 --log ";
  ProcessResult regular = run(options + folder.path("regular.jsonl"));
  ProcessResult irregular = run(options + folder.path("irregular.jsonl"), TINY_DEVICE_PROGRAM,
                                "TINY_IRREGULAR=1 LD_LIBRARY_PATH=" FAKE_CUDA_FOLDER);
  ASSERT_EQ(regular.code + irregular.code, 0) << regular.output << irregular.output;
  EXPECT_EQ(lossesOf(folder.path("regular.jsonl")), lossesOf(folder.path("irregular.jsonl")));
}

TEST_F(CudaDeviceRun, takes_as_much_memory_as_is_planned) {
  ProcessResult result = run("train --data " + data + " --ext txt --steps 4 --eval-every 0 --measure-memory");
  ASSERT_EQ(result.code, 0) << result.output;
  std::smatch found;
  std::regex memory("memory: planned ([0-9]+), measured ([0-9]+)");
  ASSERT_TRUE(std::regex_search(result.output, found, memory)) << result.output;
  int64_t planned = std::stoll(found[1]), measured = std::stoll(found[2]);
  // The driver rounds each of seven allocations up.
  EXPECT_GE(measured, planned);
  EXPECT_LT(measured, planned + 7 * 256);
}

TEST_F(CudaDeviceRun, waits_for_each_kernel_where_asked_to) {
  std::string options = " --data " + data + " --ext txt --steps 4 --seed 3 --save ";
  ProcessResult graph = run("train" + options + folder.path("graph.safetensors"));
  ProcessResult calls = run("train" + options + folder.path("calls.safetensors"), TINY_DEVICE_PROGRAM,
                            "NANOCHAT_CUDA_SYNC=1 LD_LIBRARY_PATH=" FAKE_CUDA_FOLDER);
  ASSERT_EQ(graph.code + calls.code, 0) << graph.output << calls.output;
  EXPECT_EQ(readFile(folder.path("graph.safetensors")), readFile(folder.path("calls.safetensors")));
}

TEST_F(CudaDeviceRun, compiles_ptx_where_the_driver_is_older_than_the_machine_code) {
  std::string options = "train --data " + data + " --ext txt --steps 4 --seed 3 --save ";
  auto taking = [&](const std::string &what, const std::string &file) {
    return run(options + folder.path(file), TINY_DEVICE_PROGRAM,
               "FAKE_CUDA_TAKES=" + what + " LD_LIBRARY_PATH=" FAKE_CUDA_FOLDER);
  };
  ProcessResult all = run(options + folder.path("all.safetensors"));
  ProcessResult ptx = taking("ptx", "ptx.safetensors");
  ASSERT_EQ(all.code + ptx.code, 0) << all.output << ptx.output;
  EXPECT_EQ(readFile(folder.path("all.safetensors")), readFile(folder.path("ptx.safetensors")));
  ProcessResult none = taking("nothing", "none.safetensors");
  EXPECT_EQ(none.code, 1);
  expectContains(none.output, "cannot be loaded by a driver for CUDA 12.4: ");
}

TEST_F(CudaDeviceRun, saves_without_sending_anything_back) {
  auto uploads = [&](const std::string &more) {
    ProcessResult result = run("train --data " + data + " --ext txt --steps 5 --eval-every 0 " + more,
                               TINY_DEVICE_PROGRAM, "FAKE_CUDA_SAYS=1 LD_LIBRARY_PATH=" FAKE_CUDA_FOLDER);
    EXPECT_EQ(result.code, 0) << result.output;
    std::regex word("upload");
    return std::distance(std::sregex_iterator(result.output.begin(), result.output.end(), word),
                         std::sregex_iterator());
  };
  auto once = uploads("");
  EXPECT_GT(once, 0);
  EXPECT_EQ(uploads("--save-every 1 --checkpoints " + folder.path("c")), once);
}

TEST_F(CudaDeviceRun, profiles_by_the_clock_of_the_device) {
  ProcessResult result = run("train --data " + data + " --ext txt --steps 3 --profile");
  ASSERT_EQ(result.code, 0) << result.output;
  // Two steps are counted, a call in each of which takes 2.5 ms.
  EXPECT_TRUE(std::regex_search(result.output, std::regex(" 5\\.00 +2 .* bigram_loss: "))) << result.output;
}

TEST_F(CudaDeviceRun, names_the_kernel_that_fails) {
  ProcessResult result = run("train --data " + data + " --ext txt --steps 1", TINY_DEVICE_PROGRAM,
                             "FAKE_CUDA_FAILS=1 LD_LIBRARY_PATH=" FAKE_CUDA_FOLDER);
  EXPECT_EQ(result.code, 1);
  expectContains(result.output, "kernel 'bigram_loss' failed, which computes tiny.bigram_loss: an "
                                "illegal memory access was encountered (error 700)");
}

TEST_F(CudaDeviceRun, says_which_memory_is_missing) {
  ProcessResult result = run("train --data " + data + " --ext txt --steps 1", TINY_DEVICE_PROGRAM,
                             "FAKE_CUDA_MEMORY=1000 LD_LIBRARY_PATH=" FAKE_CUDA_FOLDER);
  EXPECT_EQ(result.code, 1);
  expectContains(result.output, "of GPU memory for the param arena: out of memory (error 2)");
}

TEST_F(CudaDeviceRun, needs_a_driver_to_train_but_not_to_describe) {
  ProcessResult result = run("train --data " + data + " --ext txt --steps 1", TINY_DEVICE_PROGRAM, "A=1");
  EXPECT_EQ(result.code, 2);
  expectContains(result.output, "there is no NVIDIA");
  expectContains(result.output, "note: compile the model for this machine: nanochat-opt bigram.mlir");
  ProcessResult info = run("info", TINY_DEVICE_PROGRAM, "A=1");
  EXPECT_EQ(info.code, 0);
  expectContains(info.output, "older, which does not run here: there is no NVIDIA driver");
  EXPECT_EQ(run("doctor", TINY_DEVICE_PROGRAM, "A=1 NANOCHAT_TARGET=none").code, 0);
  EXPECT_EQ(run("train --help", TINY_DEVICE_PROGRAM, "A=1").code, 0);
}

TEST_F(CudaDeviceRun, describes_the_program_that_would_train) {
  std::string named = "model      bigram\ntarget     test\n";
  expectContains(run("info").output, named); // of two, the one for the newer GPU
  expectContains(run("doctor").output, "this program is compiled for test: ");
  expectContains(run("--help").output, "compiled for test.");
}

TEST_F(CudaDeviceRun, refuses_a_device_that_is_not_there) {
  ProcessResult result = run("train --device=cuda:3 --data " + data + " --ext txt --steps 1");
  EXPECT_EQ(result.code, 2);
  expectContains(result.output, "there is no GPU 3, only 1 of them");
}

TEST(DeviceArgument, is_found_and_read) {
  const char *arguments[] = {"program", "train", "--device", "cuda:2"};
  EXPECT_EQ(findDeviceArgument(4, arguments), "cuda:2");
  EXPECT_EQ(parseDevice("cuda:2").index, 2);
  EXPECT_TRUE(parseDevice("cpu").isCpu);
  EXPECT_FALSE(parseDevice("").isCuda);
  for (const char *wrong : {"gpu", "cuda:", "cuda:x", "cuda:-1"})
    EXPECT_THROW(parseDevice(wrong), Error) << wrong;
}

} // namespace
