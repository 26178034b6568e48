#include "gemmetry/report/chart.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gemmetry/report/vega_lite.h"

namespace gemmetry::report {
namespace {

using nlohmann::ordered_json;

Chart two_lines() {
  Chart chart{.title = "Throughput over size",
              .x = {.title = "hidden size"},
              .y = {.title = "throughput", .unit = Unit::flop_per_s},
              .colour_title = "heads"};
  chart.lines.push_back({.label = "64, measured",
                         .colour = "64",
                         .style = "measured",
                         .points = {{.x = 1024, .y = 400e12, .low = 390e12, .high = 410e12, .note = "tile 128x256"},
                                    {.x = 2048, .note = "no record"},
                                    {.x = 4096, .y = 612.3456789e12, .note = "tile 128x256"}}});
  chart.lines.push_back(
      {.label = "64, predicted", .colour = "64", .style = "predicted", .points = {{.x = 1024, .y = 420e12}}});
  return chart;
}

TEST(Chart, ScalesItsAxesByTheLargestNumber) {
  EXPECT_EQ(y_scale(two_lines()).title, "throughput (TFLOP/s)");
  EXPECT_EQ(y_scale(two_lines()).scale.size, 1e12);
  EXPECT_EQ(x_scale(two_lines()).title, "hidden size");
}

TEST(Chart, LinesShareColoursAndStyles) {
  EXPECT_EQ(colours(two_lines()), std::vector<std::string>{"64"});
  EXPECT_EQ(styles(two_lines()), (std::vector<std::string>{"measured", "predicted"}));
  Chart chart = two_lines();
  chart.lines[1].colour = "";
  EXPECT_EQ(colours(chart), (std::vector<std::string>{"64", "64, predicted"}));
}

TEST(Chart, CompactDataHoldsEachTextOnceAndMissingAsNull) {
  const ordered_json data = compact_data(two_lines());
  EXPECT_EQ(data["notes"], (ordered_json{"tile 128x256", "no record", ""}));
  const ordered_json& line = data["lines"][0];
  EXPECT_EQ(line["x"], (ordered_json{1024, 2048, 4096}));
  EXPECT_EQ(line["y"], (ordered_json{400, nullptr, 612.35}));
  EXPECT_EQ(line["low"], (ordered_json{390, nullptr, nullptr}));
  EXPECT_EQ(line["note"], (ordered_json{0, 1, 0}));
  EXPECT_FALSE(data["lines"][1].contains("low"));
}

TEST(Chart, ThinningKeepsTheLowestAndTheHighest) {
  Chart chart = two_lines();
  chart.lines.resize(1);
  chart.lines[0].points.clear();
  for (int i = 0; i < 10000; ++i) chart.lines[0].points.push_back({.x = 1.0 * i, .y = i == 5003 ? 9e12 : 1e12});
  const std::vector<ChartPoint> points = thinned(chart, 400).lines[0].points;
  EXPECT_LE(points.size(), 400u);
  EXPECT_GE(points.size(), 200u);
  EXPECT_TRUE(std::any_of(points.begin(), points.end(), [](const ChartPoint& p) { return p.x == 5003; }));
  EXPECT_TRUE(std::is_sorted(points.begin(), points.end(), [](auto& a, auto& b) { return a.x < b.x; }));
}

TEST(Chart, ThinningKeepsMissingPoints) {
  Chart chart = two_lines();
  chart.lines.resize(1);
  chart.lines[0].points.assign(1000, {.x = 1, .y = 1});
  chart.lines[0].points[503] = {.x = 2, .note = "no record"};
  const std::vector<ChartPoint> points = thinned(chart, 100).lines[0].points;
  EXPECT_EQ(std::count_if(points.begin(), points.end(), [](const ChartPoint& p) { return !p.y; }), 1);
}

TEST(Chart, ThinningLeavesAGapWhereAllAreMissing) {
  Chart chart = two_lines();
  chart.lines.resize(1);
  chart.lines[0].points.assign(1000, {.x = 1, .note = "no record"});
  const std::vector<ChartPoint> points = thinned(chart, 100).lines[0].points;
  ASSERT_EQ(points.size(), 50u);
  EXPECT_FALSE(points[0].y);
  EXPECT_EQ(points[0].note, "no record");
}

TEST(VegaLite, ARowHoldsThePointInTheAxesUnits) {
  const ordered_json rows = to_vega_lite(two_lines())["data"]["values"];
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0]["y"], 400);
  EXPECT_EQ(rows[0]["shown"], "400 TFLOP/s (390..410)");
  EXPECT_TRUE(rows[1]["y"].is_null());
  EXPECT_EQ(rows[1]["shown"], "missing: no record");
}

TEST(VegaLite, MissingPointsHaveALayerOfTheirOwnAtTheBottom) {
  const ordered_json layers = to_vega_lite(two_lines())["layer"];
  const ordered_json& last = layers[layers.size() - 1];
  EXPECT_EQ(last["transform"][0]["filter"], "!isValid(datum.y)");
  EXPECT_EQ(last["encoding"]["y"]["value"], "height");
}

TEST(VegaLite, ThePagesSpecificationBringsNoData) {
  const ordered_json spec = to_vega_lite(two_lines(), {.whole = false});
  EXPECT_FALSE(spec["data"].contains("values"));
  EXPECT_FALSE(spec.contains("config"));
  EXPECT_TRUE(spec["encoding"]["color"]["legend"].is_null());
}

TEST(VegaLite, LogAxesAndBars) {
  Chart chart = two_lines();
  chart.x.log = chart.y.log = true;
  EXPECT_EQ(to_vega_lite(chart)["encoding"]["x"]["scale"]["base"], 2);
  chart.mark = Mark::bars;
  const ordered_json spec = to_vega_lite(chart);
  EXPECT_EQ(spec["encoding"]["x"]["type"], "ordinal");
  EXPECT_EQ(spec["layer"][0]["encoding"]["xOffset"]["field"], "line");
  EXPECT_EQ(spec["layer"][0]["encoding"]["opacity"]["scale"]["range"], (ordered_json{1.0, 0.5}));
}

TEST(VegaLite, BothThemesHaveAsManyColours) {
  EXPECT_EQ(vega_config(Theme::light)["range"]["category"].size(),
            vega_config(Theme::dark)["range"]["category"].size());
}

}  // namespace
}  // namespace gemmetry::report
