// The table of element types: names both ways, and numbers that C++ has no type for.
#include "runtime/program/DTypes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

using namespace nc;

TEST(DTypes, NamesGoBothWays) {
  for (int32_t dtype = 0; dtype < NC_DTYPE_COUNT; ++dtype) {
    EXPECT_EQ(dtypeOfName(dtypeName(dtype)), dtype);
    EXPECT_EQ(dtypeOfStoredName(storedName(dtype)), dtype);
  }
  EXPECT_EQ(dtypeOfName("f16"), std::nullopt);
  EXPECT_EQ(dtypeOfStoredName("f32"), std::nullopt);
  EXPECT_EQ(dtypeBytes(NC_F64), 8);
  EXPECT_EQ(dtypeBytes(NC_BF16), 2);
  EXPECT_EQ(dtypeBytes(NC_E4M3), 1);
}

/// Every number is itself; halfway to the next, the even one of the two; just above that, the next.
template <typename Number> static void checkRounding(int codes) {
  for (int bits = 0; bits + 1 < codes; ++bits) {
    Number low, high;
    low.bits = decltype(low.bits)(bits), high.bits = decltype(high.bits)(bits + 1);
    for (double sign : {1.0, -1.0}) {
      double x = sign * double(low), y = sign * double(high);
      int flag = sign < 0 ? 1 << (8 * sizeof(low.bits) - 1) : 0;
      ASSERT_EQ(Number(x).bits, bits | flag);
      ASSERT_EQ(Number((x + y) / 2).bits, (bits % 2 ? bits + 1 : bits) | flag);
      ASSERT_EQ(Number(std::nextafter((x + y) / 2, y)).bits, (bits + 1) | flag);
    }
  }
}

TEST(DTypes, Bf16RoundsToNearestEven) {
  checkRounding<Bf16>(0x7f80); // the last finite one is 0x7f7f
  EXPECT_EQ(Bf16(1.0).bits, 0x3f80);
  EXPECT_EQ(Bf16(std::numeric_limits<double>::max()).bits, 0x7f80);
  EXPECT_EQ(double(Bf16(-std::numeric_limits<double>::infinity())), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(double(Bf16(std::nan("")))));
}

TEST(DTypes, E4m3RoundsToNearestEven) {
  checkRounding<E4m3>(0x7f);
  EXPECT_EQ(E4m3(1.0).bits, 0x38);
  EXPECT_EQ(double(E4m3(448.0)), 448.0);
  EXPECT_EQ(double(E4m3(464.0)), 448.0); // halfway to what would be 480
  for (double beyond : {465.0, -1e300, std::numeric_limits<double>::infinity(), std::nan("")})
    EXPECT_TRUE(std::isnan(double(E4m3(beyond)))) << beyond;
}
