#include "runtime/program/Philox.h"
#include "runtime/program/Initialize.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace nc;

TEST(Philox, gives_the_known_answers_of_random123) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, every_part_of_an_address_matters) {
  PhiloxBlock block = drawBlock(1, 2, 3, 4);
  EXPECT_NE(block, drawBlock(1ull << 32, 2, 3, 4));
  EXPECT_NE(block, drawBlock(1, 3, 3, 4));
  EXPECT_NE(block, drawBlock(1, 2, 4, 4));
  EXPECT_NE(block, drawBlock(1, 2, 3, 4 + (1ull << 32)));
  EXPECT_EQ(block, drawBlock(1, 2, 3, 4));
}

TEST(Philox, names_hash_to_the_published_fnv1a_values) {
  EXPECT_EQ(stableHash(""), 0xcbf29ce484222325u);
  EXPECT_EQ(stableHash("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(stableHash("foobar"), 0x85944171f73967e8u);
}

TEST(Philox, bounded_draws_stay_below_and_reach_both_ends) {
  EXPECT_EQ(below(0, 10), 0u);
  EXPECT_EQ(below(~0ull, 10), 9u);
  EXPECT_EQ(unit(0), 0);
  EXPECT_LT(unit(~0ull), 1);
}

TEST(Normals, have_the_moments_of_the_standard_normal) {
  const int count = 200000;
  double sums[5] = {};
  for (int i = 0; i < count; ++i)
    for (int power = 1; power <= 4; ++power)
      sums[power] += std::pow(normalAt(7, streamId("w"), i), power) / count;
  EXPECT_NEAR(sums[1], 0, 0.01);
  EXPECT_NEAR(sums[2], 1, 0.02);
  EXPECT_NEAR(sums[3], 0, 0.05);
  EXPECT_NEAR(sums[4], 3, 0.15);
}
