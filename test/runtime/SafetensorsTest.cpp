#include "runtime/files/Safetensors.h"
#include "TestTools.h"

#include <cstring>
#include <numeric>
#include <vector>

using namespace nc;
using namespace nc::test;

namespace {

/// A file with this header and that many bytes of data.
std::string fileOf(const std::string &header, size_t dataBytes) {
  uint64_t length = header.size();
  return std::string(reinterpret_cast<char *>(&length), 8) + header + std::string(dataBytes, 'x');
}

struct Malformed {
  const char *name;
  std::string content;
  const char *reason;
};

void PrintTo(const Malformed &file, std::ostream *out) { *out << file.name; }

class MalformedFile : public testing::TestWithParam<Malformed> {};

} // namespace

static std::string contentOf(const SafetensorsFile &file, const std::string &name) {
  std::string content(file.find(name)->bytes(), 0);
  file.read(*file.find(name), content.data());
  return content;
}

template <typename Value> static std::string bytesOf(const Value &value) {
  return std::string(reinterpret_cast<const char *>(&value), sizeof(value));
}

TEST(Safetensors, what_is_written_is_read_back) {
  TemporaryFolder folder;
  std::string path = folder.path("a.safetensors");
  float matrix[] = {1, 2, 3, 4, 5, 6};
  double scalar = 0.1;
  int8_t codes[] = {-1, 0, 1};
  writeSafetensors(path,
                   {{"matrix", NC_F32, {2, 3}, matrix},
                    {"codes", NC_I8, {3}, codes},
                    {"scalar", NC_F64, {}, &scalar},
                    {"empty", NC_I32, {0, 4}, nullptr}},
                   {{"model", "m \"quoted\""}});
  SafetensorsFile file(path);
  ASSERT_EQ(file.tensors().size(), 4u);
  EXPECT_EQ(file.metadata().at("model"), "m \"quoted\"");
  EXPECT_EQ(file.find("matrix")->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(contentOf(file, "matrix"), bytesOf(matrix));
  EXPECT_EQ(contentOf(file, "codes"), bytesOf(codes));
  EXPECT_EQ(contentOf(file, "scalar"), bytesOf(scalar));
  EXPECT_EQ(file.find("empty")->bytes(), 0);
  EXPECT_EQ(file.find("other"), nullptr);
}

TEST(Safetensors, equal_contents_give_equal_files_and_nothing_else_is_left) {
  TemporaryFolder folder;
  float value = 1;
  for (const char *name : {"a", "b"})
    writeSafetensors(folder.path(name), {{"w", NC_F32, {1}, &value}}, {{"x", "y"}});
  EXPECT_EQ(readFile(folder.path("a")), readFile(folder.path("b")));
  auto files = std::filesystem::directory_iterator(folder.path(""));
  EXPECT_EQ(std::distance(begin(files), end(files)), 2);
}

TEST(Safetensors, a_failed_write_leaves_the_old_file) {
  TemporaryFolder folder;
  std::string path = folder.write("a", "old");
  {
    AtomicFile file(path);
    file.write("new", 3);
  }
  EXPECT_EQ(readFile(path), "old");
  EXPECT_NE(errorOf([&] { AtomicFile(folder.path("none/a")); }), "");
}

TEST(Safetensors, large_tensors_are_visited_in_pieces) {
  TemporaryFolder folder;
  std::vector<int32_t> numbers(600'000);
  std::iota(numbers.begin(), numbers.end(), 0);
  writeSafetensors(folder.path("a"), {{"w", NC_I32, {600'000}, numbers.data()}}, {});
  SafetensorsFile file(folder.path("a"));
  std::vector<int32_t> seen(numbers.size());
  file.visit(*file.find("w"), [&](const char *elements, int64_t first, int64_t count) {
    memcpy(seen.data() + first, elements, count * 4);
  });
  EXPECT_EQ(seen, numbers);
  std::filesystem::resize_file(folder.path("a"), 1'000'000);
  expectContains(errorOf([&] { file.read(*file.find("w"), seen.data()); }), "was cut short");
}

TEST_P(MalformedFile, is_refused_with_its_name_and_the_reason) {
  TemporaryFolder folder;
  std::string path = folder.write("bad", GetParam().content);
  std::string message = errorOf([&] { SafetensorsFile file(path); });
  expectContains(message, path);
  expectContains(message, GetParam().reason);
}

#define ENTRY(name, type, shape, begin, end)                                                                           \
  "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

INSTANTIATE_TEST_SUITE_P(
    Safetensors, MalformedFile,
    testing::Values(
        Malformed{"empty", "", "expected at least 8"},
        Malformed{"long_header", std::string(8, '\xff') + "{}", "header claims"},
        Malformed{"not_json", fileOf("{nonsense", 0), "not JSON"},
        Malformed{"not_utf8", fileOf("{\"\xff\":1}", 0), "not JSON"},
        Malformed{"nested", fileOf(std::string(100'000, '['), 0), "nest deeper than 64"},
        Malformed{"not_an_object", fileOf("[1]", 0), "not a JSON object"},
        Malformed{"missing_key", fileOf("{\"w\":{\"dtype\":\"F32\"}}", 0), "expected an object"},
        Malformed{"unknown_dtype", fileOf("{" ENTRY("w", "F8_E5M2", "[1]", "0", "2") "}", 2), "F8_E5M2"},
        Malformed{"negative_shape", fileOf("{" ENTRY("w", "F32", "[-1]", "0", "4") "}", 4), "-1"},
        Malformed{"fractional_shape", fileOf("{" ENTRY("w", "F32", "[1.5]", "0", "4") "}", 4), "1.5"},
        Malformed{"huge_shape", fileOf("{" ENTRY("w", "F32", "[4294967296,4294967296]", "0", "4") "}", 4), "too large"},
        Malformed{"wrong_size", fileOf("{" ENTRY("w", "F32", "[2]", "0", "4") "}", 4), "need 8"},
        Malformed{"beyond_the_end", fileOf("{" ENTRY("w", "F32", "[2]", "0", "8") "}", 4), "do not lie"},
        Malformed{"reversed_offsets", fileOf("{" ENTRY("w", "F32", "[0]", "4", "0") "}", 4), "do not lie"},
        Malformed{"overlap",
                  fileOf("{" ENTRY("a", "F32", "[2]", "0", "8") "," ENTRY("b", "F32", "[2]", "4", "12") "}", 12),
                  "overlaps"},
        Malformed{"gap", fileOf("{" ENTRY("a", "F32", "[1]", "4", "8") "}", 8), "gap"},
        Malformed{"trailing_bytes", fileOf("{" ENTRY("a", "F32", "[1]", "0", "4") "}", 9), "5 bytes after"},
        Malformed{"same_key_twice",
                  fileOf("{" ENTRY("a", "F32", "[1]", "0", "4") "," ENTRY("a", "F32", "[1]", "0", "4") "}", 4),
                  "twice"},
        Malformed{"metadata_number", fileOf("{\"__metadata__\":{\"a\":1}}", 0), "not a string"}),
    [](const auto &info) { return info.param.name; });
