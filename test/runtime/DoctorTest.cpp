// What `doctor` finds in made-up machines.
//
#include "TestTools.h"
#include "runtime/doctor/Finding.h"

#include <nlohmann/json.hpp>

using namespace nc;
using namespace nc::test;
using Json = nlohmann::json;

namespace {

Finding named(const std::vector<Finding> &findings, const std::string &name) {
  for (const Finding &finding : findings)
    if (finding.name == name)
      return finding;
  ADD_FAILURE() << "no finding " << name;
  return {};
}

/// The finding of that name in what `doctor --json` prints, run with these variables set.
Json diagnose(const std::string &environment, const std::string &name) {
  ProcessResult result = runProcess("env " + environment + " " TINY_PROGRAM " doctor --json");
  EXPECT_EQ(result.code, 0);
  for (const Json &finding : Json::parse(result.output))
    if (finding["name"] == name)
      return finding;
  ADD_FAILURE() << "no finding " << name << " in " << result.output;
  return {};
}

} // namespace

TEST(Doctor, reads_processor_memory_and_nodes_of_a_machine) {
  TemporaryFolder folder;
  folder.write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Fast 9000\n"
                               "flags\t\t: fpu avx2 fma bmi2 f16c avx_vnni avx512_novelty\n");
  folder.write("proc/meminfo", "MemTotal:       16777216 kB\nMemAvailable:    8388608 kB\n");
  folder.write("sys/devices/system/node/node0/cpulist", "0-3");
  folder.write("sys/devices/system/node/node1/cpulist", "4-7");
  folder.write("sys/devices/system/node/online", "0-1");
  std::vector<Finding> findings = examineMachine(folder.path(""));
  expectContains(named(findings, "cpu").value, "Fast 9000, ");
  EXPECT_EQ(named(findings, "cpu").value.find("quota"), std::string::npos);
  EXPECT_EQ(named(findings, "vectors").value, "avx2, avx_vnni, bmi2, f16c, fma");
  EXPECT_TRUE(named(findings, "vectors").isFound);
  EXPECT_EQ(named(findings, "memory").value, "16.0 GiB, 8.0 GiB available");
  EXPECT_EQ(named(findings, "numa").value, "2 nodes");
  expectContains(named(findings, "numa").meaning, "numactl");
}

TEST(Doctor, says_what_a_quota_allows) {
  TemporaryFolder folder;
  folder.write("proc/cpuinfo", "model name : Shared\n");
  folder.write("proc/self/cgroup", "0::/\n");
  folder.write("proc/self/mountinfo", "4 1 0:3 / /v2 rw - cgroup2 cgroup2 rw\n");
  folder.write("v2/cpu.max", "50000 100000\n");
  Finding processor = named(examineMachine(folder.path("")), "cpu");
  expectContains(processor.value, " for this process, of which a quota allows 0.5");
  EXPECT_EQ(processor.meaning, "1 thread is the default of --threads");
}

TEST(Doctor, names_the_instructions_that_an_old_processor_lacks) {
  TemporaryFolder folder;
  folder.write("proc/cpuinfo", "model name : Old\nflags : fpu fma f16c\n");
  Finding vectors = named(examineMachine(folder.path("")), "vectors");
  EXPECT_FALSE(vectors.isFound);
  expectContains(vectors.meaning, "need avx2, bmi2 and do not run here");
}

TEST(Doctor, survives_a_machine_that_tells_nothing_or_nonsense) {
  TemporaryFolder folder;
  for (const Finding &finding : examineMachine(folder.path("")))
    EXPECT_EQ(finding.isFound, finding.name == "disk") << finding.name;
  folder.write("proc/cpuinfo", std::string("model name\t:\nflags\n:\n\xff\xfe\0 : x\n", 27));
  folder.write("proc/meminfo", "MemTotal: much kB\nMemAvailable: 9223372036854775807 kB\n");
  for (const Finding &finding : examineMachine(folder.path("")))
    EXPECT_EQ(finding.isFound, finding.name == "disk") << finding.name;
}

TEST(Doctor, says_what_missing_tools_cost) {
  Json rustc = diagnose("PATH=", "rustc");
  EXPECT_EQ(rustc["found"], false);
  expectContains(rustc["meaning"], "no compiler for generated Rust");
  expectContains(rustc["meaning"], "apt-get install rustc");
  expectContains(diagnose("PATH=/none", "linker")["meaning"], "apt-get install g++");
  EXPECT_EQ(diagnose("-u PATH", "bwrap")["found"], false);
}

TEST(Doctor, finds_tools_on_the_path_with_their_versions) {
  TemporaryFolder folder;
  for (const auto &[name, script] : {std::pair("rustc", "#!/bin/sh\necho rustc 9.8.7 '(fake 1.2)'\n"),
                                     std::pair("cargo", "#!/bin/sh\nexit 3\n"), std::pair("it's/ptxas", "no program")})
    std::filesystem::permissions(folder.write(name, script), std::filesystem::perms::all);
  std::string path = "\"PATH=" + folder.path("") + ":" + folder.path("it's") + "\"";
  EXPECT_EQ(diagnose(path, "rustc")["value"], folder.path("/rustc") + " 9.8.7");
  EXPECT_EQ(diagnose(path, "cargo")["value"], folder.path("/cargo"));
  EXPECT_EQ(diagnose(path, "ptxas")["value"], folder.path("it's/ptxas"));
}

TEST(Doctor, describes_the_devices_of_a_cuda_driver) {
  Json cuda = diagnose("LD_LIBRARY_PATH=" FAKE_CUDA_FOLDER, "cuda");
  EXPECT_EQ(cuda["found"], true);
  EXPECT_EQ(cuda["value"], "driver for CUDA 12.4: Fake GPU (compute capability 9.1, 80.0 GiB)");
}

TEST(Doctor, tells_the_version_of_nccl) {
  std::string nccl = "LD_LIBRARY_PATH=" FAKE_CUDA_FOLDER " NANOCHAT_NCCL=" FAKE_NCCL;
  EXPECT_EQ(diagnose(nccl, "nccl")["found"], true);
  EXPECT_EQ(diagnose(nccl, "nccl")["value"], "2.23.4");
  Json old = diagnose(nccl + " FAKE_NCCL_VERSION=2708", "nccl");
  EXPECT_EQ(old["found"], false);
  expectContains(old["meaning"], "NCCL is 2.7.8, and needs to be 2.18 or newer: only programs of several ranks");
}

TEST(Doctor, takes_a_broken_library_for_none) {
  TemporaryFolder folder;
  for (const char *name : {"libcuda.so.1", "libmpi.so.40", "libnccl.so.2"})
    folder.write(name, "not ELF");
  for (const char *name : {"cuda", "nccl"})
    EXPECT_EQ(diagnose("LD_LIBRARY_PATH=" + folder.path(""), name)["found"], false) << name;
}

TEST(Doctor, prints_one_line_for_each_finding) {
  ProcessResult text = runProcess(TINY_PROGRAM " doctor");
  EXPECT_EQ(text.code, 0);
  Json findings = Json::parse(runProcess(TINY_PROGRAM " doctor --json").output);
  EXPECT_EQ(std::count(text.output.begin(), text.output.end(), '\n'), int(findings.size()));
  expectContains(text.output, "target   found    this program is compiled for test");
}
