#include "runtime/program/CpuFeatures.h"

#include "runtime/device/ProgramChoice.h"
#include "runtime/files/Errors.h"

#include <cstdlib>
#include <gtest/gtest.h>

using namespace nc;

namespace {

/// What some processors have and this one lacks; "" if it has all of them.
std::string lackedHere() {
  std::string missing = missingFeatures("avx512vpopcntdq,avx512fp16,avxvnni,avx512bf16,gfni");
  return missing.substr(0, missing.find(','));
}

nc_program programFor(const char *target, const char *features) {
  nc_program program = {};
  program.target = target;
  program.cpu_features = features;
  program.device = "";
  return program;
}

TEST(CpuFeatures, that_all_have_are_not_missing) {
  EXPECT_EQ(missingFeatures(""), "");
  EXPECT_EQ(missingFeatures("sse2,what-no-one-checks"), "");
}

#if defined(__x86_64__)
TEST(CpuFeatures, are_those_that_the_compiler_finds) {
#define NC_FEATURE(name) EXPECT_EQ(missingFeatures(name).empty(), bool(__builtin_cpu_supports(name))) << name;
  NC_FEATURE("avx2")
  NC_FEATURE("fma")
  NC_FEATURE("bmi")
  NC_FEATURE("bmi2")
  NC_FEATURE("f16c")
  NC_FEATURE("lzcnt")
  NC_FEATURE("movbe")
  NC_FEATURE("gfni")
  NC_FEATURE("vaes")
  NC_FEATURE("vpclmulqdq")
  NC_FEATURE("avxvnni")
  NC_FEATURE("avx512f")
  NC_FEATURE("avx512bw")
  NC_FEATURE("avx512dq")
  NC_FEATURE("avx512vl")
  NC_FEATURE("avx512cd")
  NC_FEATURE("avx512ifma")
  NC_FEATURE("avx512vbmi")
  NC_FEATURE("avx512vbmi2")
  NC_FEATURE("avx512vnni")
  NC_FEATURE("avx512bitalg")
  NC_FEATURE("avx512vpopcntdq")
  NC_FEATURE("avx512vp2intersect")
  NC_FEATURE("avx512bf16")
  NC_FEATURE("avx512fp16")
  NC_FEATURE("amx-tile")
  NC_FEATURE("amx-int8")
  NC_FEATURE("amx-bf16")
#undef NC_FEATURE
}
#endif

TEST(CpuFeatures, choose_the_first_program_that_can_run) {
  std::string lacked = lackedHere();
  nc_program best = programFor("best", lacked.c_str()), other = programFor("other", "");
  const nc_program *programs[] = {&best, &other, nullptr};
  EXPECT_STREQ(chooseProgram(programs).target, lacked.empty() ? "best" : "other");
}

TEST(CpuFeatures, describe_a_program_where_none_runs) {
  nc_program gpu = programFor("gpu", ""), cpu = programFor("cpu", "");
  gpu.device = "sm_999";
  cpu.only_on_request = 1;
  const nc_program *programs[] = {&gpu, &cpu, nullptr}, *alone[] = {&gpu, nullptr};
  DeviceChoice toDescribe;
  toDescribe.isToRun = false;
  EXPECT_STREQ(chooseProgram(programs, toDescribe).target, "gpu");
  std::string why = whyNotHere(gpu, programs);
  EXPECT_EQ(why.rfind(", which does not run here: ", 0), 0u) << why;
  EXPECT_NE(why.find("; cpu runs with --device=cpu"), std::string::npos) << why;
  EXPECT_EQ(whyNotHere(gpu, alone).find("--device"), std::string::npos);
  EXPECT_EQ(whyNotHere(cpu, programs), "");
  cpu.only_on_request = 0;
  EXPECT_STREQ(chooseProgram(programs, toDescribe).target, "cpu");
  setenv("NANOCHAT_TARGET", "none", 1);
  EXPECT_THROW(chooseProgram(programs, toDescribe), Error);
  unsetenv("NANOCHAT_TARGET");
}

TEST(CpuFeatures, follow_the_variable) {
  nc_program best = programFor("best", ""), other = programFor("other", "");
  const nc_program *programs[] = {&best, &other, nullptr};
  setenv("NANOCHAT_TARGET", "other", 1);
  EXPECT_STREQ(chooseProgram(programs).target, "other");
  setenv("NANOCHAT_TARGET", "third", 1);
  EXPECT_THROW(chooseProgram(programs), Error);
  unsetenv("NANOCHAT_TARGET");
}

TEST(CpuFeatures, that_are_missing_are_named) {
  std::string lacked = lackedHere();
  if (lacked.empty())
    GTEST_SKIP() << "this processor has everything";
  nc_program only = programFor("only", lacked.c_str());
  const nc_program *programs[] = {&only, nullptr};
  try {
    chooseProgram(programs);
    FAIL();
  } catch (const Error &error) {
    EXPECT_EQ(error.code, ExitCode::BadInput);
    EXPECT_NE(std::string(error.what()).find("only cannot run: this processor lacks " + lacked), std::string::npos);
  }
}

} // namespace
