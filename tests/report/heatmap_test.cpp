#include "gemmetry/report/heatmap.h"

#include <gtest/gtest.h>

#include "gemmetry/report/plot.h"
#include "gemmetry/report/vega_lite.h"

namespace gemmetry::report {
namespace {

using nlohmann::ordered_json;

/// Two bands of two panels with two rows of three cells; one is missing.
Chart four_panels() {
  Chart chart{.title = "Slow-down",
              .x = {.title = "batch"},
              .y = {.title = "slow-down", .unit = Unit::fraction},
              .mark = Mark::heatmap,
              .row_title = "r"};
  for (const char* band : {"H", "L"})
    for (const char* panel : {"s 128", "s 512"})
      for (const char* row : {"0", "100"}) {
        const double y = row[0] == '0' ? 0 : band[0] == 'H' ? 0.3 : 0.125;
        ChartLine line{.label = std::string(band) + panel + row, .cells = {row, panel, band}};
        line.points = {{.x = 1, .y = y}, {.x = 2, .y = y / 2}, {.x = 4, .y = y / 4}};
        chart.lines.push_back(line);
      }
  chart.lines[3].points[2] = {.x = 4, .note = "no record"};
  return chart;
}

TEST(Heatmap, IsAGridOfNumbersPerPanel) {
  EXPECT_EQ(to_heatmap(four_panels(), {}),
            "Slow-down\n"
            "slow-down (%) by batch\n"
            "\n"
            "H\n"
            "     s 128            s 512\n"
            "  r      1    2    4      1    2    4\n"
            "  0    0.0  0.0  0.0    0.0  0.0  0.0\n"
            "100   30.0 15.0  7.5   30.0 15.0    ×\n"
            "\n"
            "L\n"
            "     s 128            s 512\n"
            "  r      1    2    4      1    2    4\n"
            "  0    0.0  0.0  0.0    0.0  0.0  0.0\n"
            "100   12.5  6.2  3.1   12.5  6.2  3.1\n");
  EXPECT_EQ(to_plot(four_panels(), {}), to_heatmap(four_panels(), {}));
}

TEST(Heatmap, PanelsThatDoNotFitStandBelowEachOther) {
  TextStyle narrow;
  narrow.width = 30;
  const std::string text = to_heatmap(four_panels(), narrow);
  EXPECT_EQ(text.find("s 128            s 512"), std::string::npos);
  EXPECT_NE(text.find("  r      1    2    4\n"), std::string::npos);
}

TEST(Heatmap, SpecificationHasAFacetForBandsAndPanels) {
  const ordered_json spec = to_vega_lite(four_panels());
  EXPECT_EQ(spec["facet"]["row"]["field"], "band");
  EXPECT_EQ(spec["facet"]["row"]["sort"], (ordered_json{"H", "L"}));
  EXPECT_EQ(spec["facet"]["column"]["field"], "panel");
  EXPECT_EQ(spec["spec"]["layer"][0]["mark"]["type"], "rect");
  EXPECT_EQ(spec["spec"]["layer"][0]["encoding"]["y"]["scale"]["domain"], (ordered_json{"0", "100"}));
  EXPECT_FALSE(spec.contains("encoding"));
  const ordered_json& row = spec["data"]["values"][6];
  EXPECT_EQ(row["row"], "0");
  EXPECT_EQ(row["panel"], "s 512");
  EXPECT_EQ(row["band"], "H");
}

TEST(Heatmap, OfOnePanelHasNoFacet) {
  Chart chart = four_panels();
  chart.lines.resize(2);
  for (ChartLine& line : chart.lines) line.cells.panel = line.cells.band = "";
  const ordered_json spec = to_vega_lite(chart, {.whole = false});
  EXPECT_FALSE(spec.contains("facet"));
  EXPECT_EQ(spec["layer"].size(), 3u);
  EXPECT_FALSE(spec["data"].contains("values"));
  EXPECT_EQ(to_heatmap(chart, {}).find("s 128"), std::string::npos);
}

TEST(Heatmap, DataForThePageSaysWhereLinesLie) {
  const ordered_json data = compact_data(four_panels());
  EXPECT_EQ(data["lines"][3]["row"], "100");
  EXPECT_EQ(data["lines"][3]["panel"], "s 512");
  EXPECT_EQ(data["lines"][3]["band"], "H");
  EXPECT_EQ(data["lines"][3]["y"][2], nullptr);
}

}  // namespace
}  // namespace gemmetry::report
