#include "runtime/training/Sampler.h"
#include "runtime/files/Errors.h"
#include "runtime/report/JsonLine.h"
#include "runtime/report/Svg.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace nc;

TEST(Sampler, temperature_zero_takes_the_first_most_likely_token) {
  EXPECT_EQ(sampleToken({1, 3, 3, 2}, {0, 0, 1}, 0.99), 1);
}

TEST(Sampler, takes_nothing_where_logits_are_not_finite) {
  for (double bad : {double(NAN), double(INFINITY), -double(INFINITY)})
    EXPECT_THROW(sampleToken({1, bad, 2}, {}, 0.5), Error);
}

TEST(Sampler, draws_in_proportion_to_the_probabilities) {
  std::vector<double> logits = {std::log(0.1), std::log(0.6), std::log(0.3)};
  int counts[3] = {};
  for (int i = 0; i < 1000; ++i)
    ++counts[sampleToken(logits, {}, (i + 0.5) / 1000)];
  EXPECT_NEAR(counts[0], 100, 1);
  EXPECT_NEAR(counts[1], 600, 1);
  EXPECT_NEAR(counts[2], 300, 1);
}

TEST(Sampler, top_k_and_top_p_drop_the_tail) {
  std::vector<double> logits = {std::log(0.1), std::log(0.6), std::log(0.3)};
  for (double uniform : {0.0, 0.5, 0.999999}) {
    EXPECT_EQ(sampleToken(logits, {1, 1, 1}, uniform), 1);
    EXPECT_EQ(sampleToken(logits, {1, 0, 0.5}, uniform), 1);
    EXPECT_NE(sampleToken(logits, {1, 2, 1}, uniform), 0);
    EXPECT_NE(sampleToken(logits, {1, 0, 0.85}, uniform), 0);
  }
  EXPECT_EQ(sampleToken(logits, {1, 0, 0}, 0.5), 1);
}

TEST(Sampler, the_exit_is_the_first_loop_to_reach_the_threshold) {
  EXPECT_EQ(chooseExit({0.25, 0.5, 0.25}, 0), 0);
  EXPECT_EQ(chooseExit({0.25, 0.5, 0.25}, 0.25), 0);
  EXPECT_EQ(chooseExit({0.25, 0.5, 0.25}, 0.3), 1);
  EXPECT_EQ(chooseExit({0.25, 0.5, 0.2499}, 1), 2);
}

TEST(JsonLine, keeps_the_bits_of_a_float_and_has_no_word_for_nan) {
  JsonLine line;
  line.add("a", double(0.1f));
  line.add("b", NAN);
  line.add("c", int64_t(3));
  line.add("d", std::vector<double>{1, 0.5});
  line.add("e", std::optional<double>());
  EXPECT_EQ(line.text(), "{\"a\": 0.100000001, \"b\": null, \"c\": 3, \"d\": [1, 0.5]}\n");
}

TEST(Svg, ticks_are_round_and_inside) {
  EXPECT_EQ(roundTicks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(roundTicks(0.9, 3.2, 5), (std::vector<double>{1, 1.5, 2, 2.5, 3}));
}

TEST(Svg, a_constant_or_a_single_point_can_be_drawn) {
  std::string picture = drawSvg({"a < b & c", {{0, 2}}, {{0, 2}}});
  EXPECT_EQ(picture.find("nan"), std::string::npos);
  EXPECT_EQ(picture.find("inf"), std::string::npos);
  EXPECT_NE(picture.find("a &lt; b &amp; c"), std::string::npos);
}

TEST(Svg, several_runs_have_names_and_colours_and_lose_their_first_tenth) {
  std::vector<Point> falling;
  for (int i = 0; i < 20; ++i)
    falling.push_back({double(i), i < 2 ? 1000.0 : 20.0 - i});
  std::string picture = drawComparison("both", {{"a.jsonl", falling, {{9, 12}}}, {"b<", falling, {}}});
  EXPECT_NE(picture.find("fill='#1f5f99'>a.jsonl"), std::string::npos);
  EXPECT_NE(picture.find("fill='#c0392b'>b&lt;"), std::string::npos);
  EXPECT_EQ(picture.find(">1000<"), std::string::npos);
}
