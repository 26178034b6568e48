#include "gemmetry/report/plot.h"

#include <gtest/gtest.h>

#include <sstream>

#include "gemmetry/report/plot_scale.h"
#include "report/example_page.h"

namespace gemmetry::report {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(PlotScale, PlacesNumbersBetweenItsEnds) {
  const PlotScale linear = plot_scale({10, 30}, false, false);
  EXPECT_EQ(linear.place(10), 0);
  EXPECT_EQ(linear.place(20), 0.5);
  EXPECT_EQ(plot_scale({10, 30}, false, true).place(0), 0);
  EXPECT_DOUBLE_EQ(plot_scale({1, 0, 64}, true, true).place(8), 0.5);
  EXPECT_EQ(plot_scale({7}, false, false).place(7), 0.5);
  EXPECT_EQ(plot_scale({}, false, true).high, 1);
}

TEST(PlotScale, TicksAreRound) {
  EXPECT_EQ(ticks({0, 550}, 6), (std::vector<double>{0, 100, 200, 300, 400, 500}));
  EXPECT_EQ(ticks({512, 4096, true}, 8), (std::vector<double>{512, 1024, 2048, 4096}));
  EXPECT_LE(ticks({1, 1e9, true}, 5).size(), 6u);
  EXPECT_EQ(tick_text(2048), "2048");
  EXPECT_EQ(tick_text(0.25), "0.25");
}

TEST(Plot, FitsItsWidth) {
  for (const Mark mark : {Mark::line, Mark::points, Mark::bars})
    for (const int width : {60, 100})
      for (const std::string& line : lines_of(to_plot(example_chart(mark, 12), {.width = width})))
        EXPECT_LE(display_width(line), static_cast<std::size_t>(width)) << line;
}

TEST(Plot, HasAxesSymbolsAndALegend) {
  const std::string text = to_plot(example_chart(Mark::line, 50), {.width = 80});
  for (const char* part : {"throughput (TFLOP/s)", "hidden size", "┤", "┬", "1000", "● h/a = 8, measured",
                           "○ h/a = 8, predicted", "◆ h/a = 64, measured"})
    EXPECT_TRUE(has(text, part)) << part << "\n" << text;
  EXPECT_FALSE(has(text, "\033["));
  EXPECT_TRUE(has(to_plot(example_chart(Mark::line, 50), {.colour = true, .width = 80}), "\033[34m●"));
}

TEST(Plot, ARisingLineGoesFromTheBottomLeftToTheTopRight) {
  Chart chart{.y = {.title = "y"}, .lines = {{.label = "a", .points = {{.x = 0, .y = 0}, {.x = 1, .y = 10}}}}};
  const std::vector<std::string> lines = lines_of(to_plot(chart, {.width = 40}, 8));
  EXPECT_TRUE(lines[1].ends_with("●")) << lines[1];
  EXPECT_TRUE(lines[8].starts_with(" 0 ┤●")) << lines[8];
}

TEST(Plot, AMissingPointIsAMarkOnTheAxisAndNamed) {
  const std::string text = to_plot(example_chart(Mark::line, 50), {.width = 80});
  EXPECT_TRUE(has(text, "× missing: 8, as no record of this size")) << text;
  EXPECT_FALSE(has(to_plot(example_chart(Mark::line, 8), {.width = 80}), "×"));
}

TEST(Plot, OfNothingIsNothing) { EXPECT_EQ(to_plot({}, {}), ""); }

TEST(Plot, OfMissingPointsAloneHasAxes) {
  Chart chart{.lines = {{.label = "a", .points = {{.x = 1, .note = "why"}}}}};
  EXPECT_TRUE(has(to_plot(chart, {.width = 60}), "× missing: 1, as why"));
}

}  // namespace
}  // namespace gemmetry::report
