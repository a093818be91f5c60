// Which rank a process is, of what launchers set.
//
#include "runtime/comm/RankPlace.h"
#include "TestTools.h"

using namespace nc;

namespace {

TEST(RankPlace, first_host_of_lists) {
  EXPECT_EQ(firstHost("gpu[03-07,9],x"), "gpu03");
  EXPECT_EQ(firstHost("gpu[12,14]-ib,x"), "gpu12-ib");
  EXPECT_EQ(firstHost("a,b"), "a");
  EXPECT_EQ(firstHost("rack1-n[7]"), "rack1-n7");
  EXPECT_EQ(firstHost("broken[1-"), "broken1");
  EXPECT_EQ(firstHost(""), "");
}

TEST(RankPlace, one_process_where_nobody_says_otherwise) {
  RankPlace place = findRankPlace();
  EXPECT_EQ(place.ranks, 1);
  EXPECT_EQ(place.source, "");
}

TEST(RankPlace, torchrun_comes_before_slurm) {
  for (auto [name, value] : {std::pair("RANK", "3"), std::pair("WORLD_SIZE", "8"), std::pair("LOCAL_RANK", "1"),
                             std::pair("MASTER_ADDR", "a"), std::pair("MASTER_PORT", "77"),
                             std::pair("SLURM_PROCID", "5"), std::pair("SLURM_NTASKS", "6")})
    setenv(name, value, 1);
  RankPlace place = findRankPlace();
  EXPECT_EQ(place.rank, 3);
  EXPECT_EQ(place.ranks, 8);
  EXPECT_EQ(place.local, 1);
  EXPECT_EQ(place.address, "a");
  EXPECT_EQ(place.port, 77);
  for (const char *name : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR"})
    unsetenv(name);
  setenv("SLURM_NODELIST", "n[01-02]", 1);
  EXPECT_EQ(findRankPlace().ranks, 1); // an allocation alone
  setenv("SLURM_STEP_ID", "0", 1);
  place = findRankPlace();
  EXPECT_EQ(place.rank, 5);
  EXPECT_EQ(place.address, "n01");
  EXPECT_EQ(place.source, "SLURM");
  for (const char *name : {"MASTER_PORT", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_NODELIST", "SLURM_STEP_ID"})
    unsetenv(name);
}

} // namespace
