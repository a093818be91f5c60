#include "TestTools.h"
#include "runtime/data/Rows.h"

#include <cmath>
#include <set>

using namespace nc;
using namespace nc::test;

static TokenStream counting(int64_t count) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i)
    tokens.push_back(int32_t(i));
  return TokenStream(std::move(tokens));
}

TEST(ConsecutiveWindows, have_every_token_but_the_first_as_a_target) {
  for (int64_t size : {17, 18, 32, 33, 34, 100}) {
    ConsecutiveWindows windows(counting(size), 16, "test");
    std::set<int32_t> targets;
    int32_t tokens[17];
    for (int64_t index = 0; index < windows.count(); ++index) {
      windows.fill(index, tokens, 16);
      EXPECT_EQ(tokens[0], windows.start(index));
      targets.insert(tokens + 1, tokens + 17);
    }
    EXPECT_EQ(int64_t(targets.size()), size - 1);
    EXPECT_EQ(*targets.begin(), 1);
    windows.fill(windows.count() + 5, tokens, 16);
    EXPECT_EQ(tokens[16], size - 1);
  }
}

TEST(TokenValues, go_with_the_targets_of_rows) {
  TemporaryFolder folder;
  TokenStream stream = counting(1000), other = counting(999);
  std::vector<float> values(1000);
  for (int i = 0; i < 1000; ++i)
    values[i] = i + 0.5f;
  std::string path = folder.path("losses");
  writeTokenValues(path, {{&stream, values}}, "model");
  auto file = std::make_shared<const SafetensorsFile>(path);
  std::vector<MixedRows::Part> parts;
  for (size_t source : {0, 1})
    parts.push_back(
        {std::make_unique<ShuffledWindows>(stream, 5, 16, "test", source, TokenValues(file, stream, "test")), 1});
  MixedRows rows(std::move(parts), 7);
  for (int64_t index = 0; index < 200; ++index) {
    int32_t tokens[17];
    float losses[16];
    rows.fill(index, tokens, 16);
    rows.fillReference(index, losses, 16);
    for (int k = 0; k < 16; ++k)
      ASSERT_EQ(losses[k], tokens[k + 1] + 0.5f);
  }
  expectContains(errorOf([&] { TokenValues(file, other, "training"); }), "has no losses for the training tokens");
  values[9] = -INFINITY;
  writeTokenValues(path, {{&stream, values}}, "model");
  expectContains(errorOf([&] { TokenValues(std::make_shared<const SafetensorsFile>(path), stream, "training"); }),
                 "has the loss -inf for token 9");
}

TEST(CopyRows, have_the_losses_of_who_knows_the_task) {
  CopyRows rows(1, 300, "test");
  int32_t row[17];
  float losses[16];
  rows.fill(3, row, 16);
  rows.fillReference(3, losses, 16);
  for (int i = 1; i <= 16; ++i)
    EXPECT_FLOAT_EQ(losses[i - 1], i >= 8 ? 0 : std::log(256.0f));
}
