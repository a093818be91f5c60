#include "TestTools.h"
#include "runtime/report/Escape.h"
#include "runtime/report/EventFile.h"
#include "runtime/report/HtmlReport.h"
#include "runtime/report/PeakFlops.h"
#include "runtime/report/RunLog.h"
#include "runtime/report/Svg.h"

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

using namespace nc;
using namespace nc::test;

namespace {

JsonLine row(int64_t step, double loss) {
  JsonLine line;
  line.add("step", step);
  line.add("loss", loss);
  line.add("val_bpb_loop", std::vector<double>{2, NAN, 1});
  return line;
}

std::string rowText(int64_t step, double loss) { return row(step, loss).text(); }

/// The payloads of a TFRecord file, whose checksums must be right.
std::vector<std::string> recordsOf(const std::string &content) {
  auto masked = [](std::string_view bytes) {
    uint32_t crc = crc32c(bytes);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
  };
  std::vector<std::string> records;
  for (size_t at = 0; at < content.size();) {
    uint64_t length;
    uint32_t lengthCrc, crc;
    memcpy(&length, &content[at], 8);
    memcpy(&lengthCrc, &content[at + 8], 4);
    EXPECT_EQ(lengthCrc, masked(std::string_view(content).substr(at, 8)));
    records.push_back(content.substr(at + 12, length));
    memcpy(&crc, &content[at + 12 + length], 4);
    EXPECT_EQ(crc, masked(records.back()));
    at += 16 + length;
  }
  return records;
}

} // namespace

TEST(EventFile, checksums_are_those_of_the_standard) {
  // RFC 3720, B.4; the last is the usual check value of CRC-32C.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
}

TEST(EventFile, holds_a_version_a_start_and_the_numbers_of_rows) {
  TemporaryFolder folder;
  RunLog(std::string(), folder.path("tb/run"), 7).write(300, row(300, 1.5));
  auto file = std::filesystem::directory_iterator(folder.path("tb/run"))->path();
  expectContains(file.filename().string(), "events.out.tfevents.");
  std::vector<std::string> records = recordsOf(readFile(file));
  ASSERT_EQ(records.size(), 3u);
  expectContains(records[0], "brain.Event:2");
  // Field 2 is the step, field 7 a session log with status 1, "start".
  expectContains(records[1], std::string("\x10\x07\x3a\x02\x08\x01"));
  expectContains(records[2], std::string("\x10\xac\x02"));
  float loss = 1.5f;
  expectContains(records[2], std::string("\x0a\x04loss\x15") + std::string(reinterpret_cast<char *>(&loss), 4));
  expectContains(records[2], "val_bpb_loop/1");
  EXPECT_EQ(records[2].find("val_bpb_loop/2"), std::string::npos);
  expectContains(records[2], "val_bpb_loop/3");
}

TEST(RunLog, of_a_resumed_run_goes_on_behind_the_checkpoint) {
  TemporaryFolder folder;
  std::string path = folder.write("l", rowText(0, 3) + rowText(1, 2) + rowText(2, 1) + "{\"step\": 3, \"lo");
  RunLog(path, "", 2).write(2, row(2, 0.5));
  EXPECT_EQ(readFile(path), rowText(0, 3) + rowText(1, 2) + rowText(2, 0.5));
  RunLog(path, "", 0).write(0, row(0, 4));
  EXPECT_EQ(readFile(path), rowText(0, 4));
}

TEST(RunLog, what_is_no_log_is_left_alone) {
  TemporaryFolder folder;
  std::string path = folder.write("notes.txt", "dear diary\n");
  expectContains(errorOf([&] { RunLog(path, "", 2); }), "is not the log of a run: found 'dear diary'");
  EXPECT_EQ(readFile(path), "dear diary\n");
}

TEST(RunLog, a_full_disk_is_an_error_with_the_path) {
  std::string message = errorOf([] {
    RunLog log("/dev/full", "", 0);
    log.write(0, row(0, 1));
    log.finish();
  });
  expectContains(message, "'/dev/full' is not complete: No space left on device");
}

TEST(LogReader, leaves_out_a_torn_end_and_names_bad_lines) {
  TemporaryFolder folder;
  Series series = readLog(folder.write("l", rowText(0, NAN) + rowText(1, 2) + "{\"st"));
  EXPECT_EQ(series["loss"].size(), 1u);
  EXPECT_EQ(series["val_bpb_loop/3"].size(), 2u);
  expectContains(errorOf([&] { readLog(folder.write("b", rowText(0, 1) + "oops\n")); }),
                 "b':2: expected a JSON object");
}

TEST(LogReader, thinning_out_keeps_the_extremes) {
  std::vector<Point> points;
  for (int i = 0; i < 100000; ++i)
    points.push_back({double(i), i == 71234 ? 50.0 : i == 5 ? -50.0 : std::sin(i)});
  std::vector<Point> few = thinOut(points, 500);
  EXPECT_LE(few.size(), 1000u);
  double low = 0, high = 0;
  for (size_t i = 0; i < few.size(); ++i) {
    low = std::min(low, few[i].y);
    high = std::max(high, few[i].y);
    EXPECT_TRUE(i == 0 || few[i].x > few[i - 1].x);
  }
  EXPECT_EQ(low, -50);
  EXPECT_EQ(high, 50);
}

TEST(HtmlReport, is_one_file_that_no_name_can_break_out_of) {
  Series series = {{"loss", {{0, 3}, {1, 2}}}};
  std::string page = htmlReport("<run> & co", {{"</script><script>alert(1)", series}, {"b", series}});
  expectContains(page, "<title>&lt;run&gt; &amp; co</title>");
  EXPECT_EQ(page.find("</script><script>"), std::string::npos);
  EXPECT_EQ(page.find("src="), std::string::npos);
  EXPECT_EQ(page.find("@import"), std::string::npos);
}

TEST(HtmlReport, holds_any_name) {
  const std::string names[] = {"<!--<script>",           "a\"b'c",       "\xff\xfe",
                               std::string("\0\x1b", 2), "\xe2\x80\xa8", "\xef\xbf\xbf"};
  for (const std::string &name : names) {
    std::string page = htmlReport(name, {{name, {{"loss", {{0, 1}}}, {name, {{0, 1}}}}}});
    std::string script = page.substr(page.find("const data"));
    EXPECT_EQ(script.substr(0, script.find('\n')).find('<'), script.npos) << script;
    for (char letter : page)
      EXPECT_TRUE((letter >= ' ' && letter <= '~') || (letter & 0x80) || letter == '\n');
    EXPECT_TRUE(nlohmann::json::accept(nlohmann::json(page).dump()));
  }
}

TEST(Escape, leaves_nothing_that_markup_or_json_cannot_hold) {
  EXPECT_EQ(escapeMarkup("a<b>&\"'\t\n"), "a&lt;b&gt;&amp;&quot;&#39;\t\n");
  EXPECT_EQ(escapeMarkup(std::string("\0\x1b\xff\xef\xbf\xbf\xef\xbf\xbd\xc3\xa9", 11)),
            "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\u00e9");
  JsonLine line;
  line.addText("a\nb", std::string("\0\"\\\xff", 4));
  EXPECT_EQ(line.text(), "{\"a\\nb\": \"\\u0000\\\"\\\\\uFFFD\"}\n");
}

TEST(Svg, draws_any_numbers) {
  const std::vector<Point> series[] = {{{0, 1e308}, {1, -1e308}, {2, 1.7e308}},
                                       {{0, 5e-324}, {1, 0}},
                                       {{0, 1e17}, {1, 1e17 + 16}},
                                       {{0, 1}, {1, 1 + 1e-15}},
                                       {{1e17, 1}, {1e17, 2}},
                                       {{-1e308, 1}, {1e308, 2}, {-5, 3}},
                                       {{3, 1}, {1, 2}, {3, 1}, {-4, 0}},
                                       std::vector<Point>(1000000, {7, 7})};
  for (const std::vector<Point> &points : series) {
    std::string picture = drawSvg({"t", points, points}) + drawComparison("t", {{"a", points, {}}, {"b", {}, points}});
    EXPECT_LT(picture.size(), 3000000u);
    for (const char *odd : {"nan", "inf", "NaN"})
      EXPECT_EQ(picture.find(odd), picture.npos) << points[0].x << " " << points[0].y;
  }
}

TEST(Svg, ticks_of_the_finest_extent_are_few) {
  for (auto [low, high] :
       {std::pair(1e17, 1e17 + 2e8), std::pair(0.0, 1e-300), std::pair(-1e300, 1e300), std::pair(1.0, 1 + 1e-9)})
    EXPECT_LT(roundTicks(low, high, 6).size(), 20u) << low;
}

TEST(PeakFlops, is_plausible) {
  ThreadTeam one(1, 0);
  double peak = measurePeakFlops(one);
  EXPECT_GT(peak, 1e9);
  EXPECT_LT(peak, 1e12);
}
