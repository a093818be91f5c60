#include "runtime/program/Threads.h"
#include "TestTools.h"
#include "runtime/program/AllocationCounter.h"
#include "runtime/program/Processors.h"

#include <cmath>
#include <memory>

using namespace nc;
using namespace nc::test;

namespace {

/// buffers: double *values, in place. Each task mixes one value; scratch holds the intermediate.
void mix(void *const *buffers, int64_t task, void *scratch) {
  auto *value = static_cast<double *>(buffers[0]) + task;
  auto *own = static_cast<double *>(scratch);
  *own = std::sin(*value + task);
  *value = *own * 1.1 + 0.3;
}

std::vector<double> runMany(int threads, int64_t tasks, int dispatches, Placement placement = Placement::Free) {
  ThreadTeam team(threads, sizeof(double), placement);
  std::vector<double> values(tasks, 0.5);
  void *buffers[] = {values.data()};
  for (int i = 0; i < dispatches; ++i)
    team.run(mix, buffers, tasks);
  return values;
}

} // namespace

TEST(ThreadTeam, gives_the_same_bits_for_any_size) {
  for (int64_t tasks : {0, 1, 2, 3, 5, 64, 1000}) {
    std::vector<double> expected = runMany(1, tasks, 200);
    for (int threads : {2, 3, 4, 7})
      EXPECT_EQ(runMany(threads, tasks, 200), expected) << tasks << " tasks, " << threads;
    EXPECT_EQ(runMany(2, tasks, 200, Placement::Pinned), expected);
  }
}

TEST(ThreadTeam, survives_many_short_dispatches) {
  EXPECT_EQ(runMany(2, 4, 10000), runMany(1, 4, 10000));
  EXPECT_EQ(runMany(4, 4, 1000), runMany(1, 4, 1000));
}

TEST(ThreadTeam, wakes_after_its_workers_fell_asleep) {
  ThreadTeam team(2, 8);
  std::vector<double> values(8, 0.5);
  void *buffers[] = {values.data()};
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    team.run(mix, buffers, 8);
  }
  EXPECT_EQ(values, runMany(1, 8, 5));
}

TEST(ThreadTeam, gives_each_thread_aligned_scratch_of_its_own) {
  ThreadTeam team(4, 100);
  std::vector<void *> seen(4);
  void *buffers[] = {seen.data()};
  team.run([](void *const *b, int64_t task, void *scratch) { static_cast<void **>(b[0])[task] = scratch; }, buffers, 4);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(seen[i]) % 64, 0u);
    for (int j = 0; j < i; ++j)
      EXPECT_NE(seen[i], seen[j]);
  }
}

TEST(ThreadTeam, restores_the_processors_of_its_caller) {
  int before = availableProcessors();
  {
    ThreadTeam team(before, 8, Placement::Pinned);
  }
  EXPECT_EQ(availableProcessors(), before);
  {
    ThreadTeam tooLarge(before + 1, 8, Placement::Pinned);
  }
  EXPECT_EQ(availableProcessors(), before);
}

TEST(ThreadTeam, that_cannot_be_made_whole_is_an_error) {
  ProcessResult result = runProcess("ulimit -v 400000; " TINY_PROGRAM " train --copy-task --steps 1 --threads 512");
  EXPECT_EQ(result.code, 1);
  expectContains(result.output, "error: cannot make thread ");
  expectContains(result.output, " of 512: Resource temporarily unavailable\nnote: give fewer");
}

TEST(Processors, are_those_that_a_quota_allows) {
  TemporaryFolder folder;
  std::string root = folder.path("");
  EXPECT_EQ(processorQuota(root), INFINITY);
  folder.write("proc/self/cgroup", "4:cpu,cpuacct:/job/step\n2:cpuset:/\n0::/user/me\nx\n");
  folder.write("proc/self/mountinfo", "1 2 0:1 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
                                      "3 1 0:2 / /v1 rw,relatime shared:3 - cgroup cgroup rw,cpu,cpuacct\n"
                                      "4 1 0:3 /user /v2 rw - cgroup2 cgroup2 rw\nodd - \n");
  EXPECT_EQ(processorQuota(root), INFINITY);
  folder.write("v2/me/cpu.max", "max 100000\n");
  folder.write("v2/cpu.max", "350000 100000\n");
  EXPECT_EQ(processorQuota(root), 3.5);
  folder.write("v1/job/step/cpu.cfs_quota_us", "-1\n");
  folder.write("v1/job/step/cpu.cfs_period_us", "100000\n");
  folder.write("v1/job/cpu.cfs_quota_us", "50000\n");
  folder.write("v1/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(processorQuota(root), 0.5);
  folder.write("v2/me/cpu.max", "10000 nonsense\n");
  EXPECT_EQ(processorQuota(root), 0.5);
}

TEST(AllocationCounter, sees_what_is_allocated_in_a_scope_and_nothing_else) {
  if (countedAllocations() < 0)
    GTEST_SKIP() << "built with a sanitizer";
  int64_t before = countedAllocations();
  auto outside = std::make_unique<int>(1);
  EXPECT_EQ(countedAllocations(), before);
  {
    AllocationScope scope;
    auto inside = std::make_unique<int>(2);
    // Kept from being optimised away.
    EXPECT_NE(inside, outside);
  }
  EXPECT_GT(countedAllocations(), before);
}

TEST(AllocationCounter, a_dispatch_allocates_nothing) {
  ThreadTeam team(3, 8);
  std::vector<double> values(8, 0.5);
  void *buffers[] = {values.data()};
  int64_t before = countedAllocations();
  {
    AllocationScope scope;
    for (int i = 0; i < 100; ++i)
      team.run(mix, buffers, 8);
  }
  EXPECT_EQ(countedAllocations(), before);
}
