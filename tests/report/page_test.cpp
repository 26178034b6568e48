#include "gemmetry/report/page.h"

#include <gtest/gtest.h>

#include <fstream>

#include "gemmetry/base/error.h"
#include "gemmetry/report/page_data.h"
#include "gemmetry/report/vega_lite.h"
#include "report/example_page.h"

namespace gemmetry::report {
namespace {

using nlohmann::ordered_json;

constexpr PageAssets stand_ins{"/* style */", "/* script */", "/* vega */"};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const std::size_t begin = text.find(from);
  if (begin == std::string::npos) return "";
  return text.substr(begin + from.size(), text.find(to, begin + from.size()) - begin - from.size());
}

TEST(Page, HoldsWhatItWasGiven) {
  const std::string html = to_html(example_page(2, 20), stand_ins);
  EXPECT_TRUE(html.starts_with("<!doctype html>"));
  for (const char* part : {"<title>gemmetry: an example</title>", "<dt>peak</dt><dd>989 TFLOP/s</dd>", "/* style */",
                           "/* script */", "/* vega */", "id=\"example_1\"", "figures 1a, 1b", "holds in part",
                           "The median of multiples of 64 is 1.32 times that of the others.",
                           "gemmetry study run example --device recorded:h200", "7 of 7 SMs"})
    EXPECT_TRUE(has(html, part)) << part;
}

TEST(Page, TextIsEscaped) {
  const std::string html = to_html(example_page(1, 20), stand_ins);
  EXPECT_TRUE(has(html, "missing &lt;on purpose&gt;"));
  EXPECT_FALSE(has(html, "<on purpose>"));
  EXPECT_EQ(script_json({{"text", "</script>\xff"}}), "{\"text\":\"\\u003c/script>\xEF\xBF\xBD\"}");
}

TEST(Page, NamesNoAddressThatIsFetched) {
  const std::string html = to_html(example_page(1, 20), stand_ins);
  EXPECT_FALSE(has(html, "src="));
  EXPECT_FALSE(has(html, "@import"));
}

TEST(Page, AChartsDataIsThereOnceAndMissingIsNull) {
  const std::string html = to_html(example_page(1, 20), stand_ins);
  const ordered_json chart =
      ordered_json::parse(between(html, "<script type=\"application/json\" id=\"chart-example_0\">", "</script>"));
  EXPECT_EQ(chart["data"]["lines"].size(), 8u);
  EXPECT_TRUE(chart["data"]["lines"][0]["y"][11].is_null());
  EXPECT_FALSE(chart["spec"]["data"].contains("values"));
  EXPECT_EQ(chart["y"]["unit"], "TFLOP/s");
}

TEST(Page, AStudyWithoutLinesOrRowsHasNoChartAndNoTable) {
  Page page = example_page(1, 20);
  page.sections.clear();
  page.studies[0].chart.lines.clear();
  page.studies[0].table.rows.clear();
  const std::string html = to_html(page, stand_ins);
  EXPECT_FALSE(has(html, "class=\"chart\""));
  EXPECT_FALSE(has(html, "Download CSV"));
}

TEST(PageTable, HoldsRepeatedTextsOnceAndTheEndsOfIntervals) {
  const ordered_json table = page_table(example_table(example_chart(Mark::line, 20)));
  EXPECT_EQ(table["rows"], 160);
  const ordered_json& columns = table["columns"];
  EXPECT_EQ(columns[0]["cells"]["words"].size(), 8u);
  EXPECT_EQ(columns[1]["cells"][1], 544);
  EXPECT_EQ(columns[2]["low"]["key"], "throughput_low");
  EXPECT_TRUE(columns[2]["cells"][11].is_null());
  EXPECT_TRUE(columns[2]["high"]["cells"][11].is_null());
}

TEST(Page, FortyChartsOfFourHundredPointsStayUnderEightMegabytes) {
  // Vega takes 0.9 of them.
  EXPECT_LT(to_html(example_page(40, 400 / 8), stand_ins).size(), 7'000'000u);
}

TEST(PageChart, LongLinesAreThinned) {
  const ordered_json chart = page_chart(example_chart(Mark::line, 2000));
  EXPECT_LE(chart["data"]["lines"][0]["x"].size(), 300u);  // 200 and those that are missing
  EXPECT_GE(chart["data"]["lines"][0]["x"].size(), 100u);
}

TEST(Page, IsWrittenWithVegaWhereTheBuildHasIt) {
  PageAssets assets;
  try {
    assets = page_assets();
  } catch (const Error& error) {
    EXPECT_TRUE(has(error.what(), "./dev build"));
    GTEST_SKIP() << "built without Vega";
  }
  const std::string html = to_html(example_page(40, 50), assets);
  EXPECT_LT(html.size(), 8'000'000u);
  // tools/check_page.py opens it in a browser, and tools/study_pictures.py draws the charts.
  std::ofstream(GEMMETRY_BINARY_DIR "/example_page.html") << html;
  for (const auto& [mark, name] : {std::pair(Mark::line, "line"), {Mark::points, "points"}, {Mark::bars, "bars"}})
    for (const auto& [theme, shade] : {std::pair(Theme::light, "light"), {Theme::dark, "dark"}})
      std::ofstream(fmt::format("{}/example_{}_{}.json", GEMMETRY_BINARY_DIR, name, shade))
          << to_vega_lite(example_chart(mark, mark == Mark::bars ? 12 : 40), {.theme = theme});
}

}  // namespace
}  // namespace gemmetry::report
