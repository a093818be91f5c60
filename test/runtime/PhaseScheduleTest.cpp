#include "runtime/training/PhaseSchedule.h"
#include "runtime/files/Errors.h"
#include "test/runtime/TestTools.h"

#include <gtest/gtest.h>

using namespace nc;

TEST(PhaseTime, reads_steps_and_percentages_and_nothing_else) {
  EXPECT_EQ(PhaseTime::read("500")->in(1000), 500);
  EXPECT_EQ(PhaseTime::read("50%")->in(1000), 500);
  EXPECT_EQ(PhaseTime::read("12.5%")->in(1000), 125);
  EXPECT_EQ(PhaseTime::read("33%")->in(10), 3); // the nearest step
  for (const char *text : {"", "%", "-1", "1.5", "1e3", "0x10", "nan", "1.2.3%", "5 %"})
    EXPECT_FALSE(PhaseTime::read(text)) << text;
}
