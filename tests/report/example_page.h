#pragma once

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string_view>

#include "gemmetry/report/page.h"

namespace gemmetry::report {

/// Made-up throughput with a cliff where the size is no multiple of 8 and waves of 132 tiles.
inline double example_throughput(double x, double lanes) {
  const double rise = x / (x + 900 * lanes);
  const double waves = std::ceil(x / 1690) / (x / 1690);
  return 780e12 * rise / waves * (std::fmod(x, 64) == 0 ? 1 : 0.93);
}

inline ChartLine example_line(int lanes, bool measured, int points) {
  ChartLine line{.label = fmt::format("h/a = {}, {}", 8 * lanes, measured ? "measured" : "predicted"),
                 .colour = std::to_string(8 * lanes),
                 .style = measured ? "measured" : "predicted"};
  for (int i = 0; i < points; ++i) {
    const double x = 512 + 32.0 * i;
    const double y = example_throughput(x, lanes) * (measured ? 1 + 0.02 * std::sin(i) : 1);
    ChartPoint point{.x = x, .y = y, .low = 0.95 * y, .high = 1.04 * y, .note = "tile 128x256, split 1"};
    if (measured && i % 29 == 11) point = {.x = x, .note = "no record of this size"};
    line.points.push_back(point);
  }
  return line;
}

inline Chart example_chart(Mark mark, int points) {
  Chart chart{.title = "Throughput of QK^T over the hidden size",
              .x = {.title = "hidden size"},
              .y = {.title = "throughput", .unit = Unit::flop_per_s},
              .mark = mark,
              .colour_title = "h/a"};
  for (int lanes = 1; lanes <= (mark == Mark::bars ? 2 : 8); lanes *= 2)
    for (const bool measured : {true, false}) chart.lines.push_back(example_line(lanes, measured, points));
  return chart;
}

inline Table example_table(const Chart& chart) {
  Table table;
  table.columns = {{.key = "line", .heading = "line"},
                   {.key = "hidden_size", .heading = "hidden size"},
                   {.key = "throughput", .heading = "throughput", .unit = Unit::flop_per_s, .interval = true},
                   {.key = "time_s", .heading = "time", .unit = Unit::seconds},
                   {.key = "algorithm", .heading = "algorithm"}};
  for (const ChartLine& line : chart.lines)
    for (const ChartPoint& point : line.points) {
      Value throughput = Unknown{}, time = Unknown{};
      if (point.y) {
        throughput = Interval{*point.y, *point.low, *point.high};
        time = 2 * point.x * point.x * point.x / *point.y;
      }
      table.rows.push_back({{line.label}, {static_cast<std::int64_t>(point.x)}, {throughput}, {time}, {point.note}});
    }
  return table;
}

inline PageStudy example_study(int number, int points) {
  const Mark mark = number % 5 == 3 ? Mark::bars : number % 5 == 4 ? Mark::points : Mark::line;
  PageStudy study{.name = fmt::format("example_{}", number),
                  .figures = {fmt::format("{}a", number), fmt::format("{}b", number)},
                  .title = fmt::format("Throughput of QK^T over the hidden size, {}", number),
                  .source = "Made up for the page's tests",
                  .notes = {"The sizes are those of no paper.", "A point in 29 is missing <on purpose>."}};
  study.chart = example_chart(mark, mark == Mark::bars ? std::min(points, 16) : points);
  study.chart.x.log = number % 5 == 2;
  study.table = example_table(study.chart);
  study.provenance = {"H200, driver 570.1, cuBLASLt 12.8, 2026-01-01; gemmetry study run example --device cuda"};
  struct Kind {
    std::string_view words;
    Tone tone;
  };
  const Kind kind =
      std::array{Kind{"holds", Tone::good}, Kind{"holds in part", Tone::warn}, Kind{"does not hold", Tone::bad},
                 Kind{"could not be tested", Tone::faint}}[static_cast<std::size_t>(number % 4)];
  study.claims = {{.text = "Throughput falls where the hidden size is no multiple of 64.",
                   .verdicts = {{.on = "H200, measured",
                                 .standing = std::string(kind.words),
                                 .tone = kind.tone,
                                 .merit = "1.32x",
                                 .reason = "The median of multiples of 64 is 1.32 times that of the others.",
                                 .command = "gemmetry study run example --device recorded:h200"},
                                {.on = "A100, predicted",
                                 .standing = "holds in part",
                                 .tone = Tone::warn,
                                 .merit = "1.02x",
                                 .reason = "Only below 2048."}}},
                  {.text = "Nothing is claimed twice.",
                   .verdicts = {{.on = "H200, measured", .standing = "could not be tested", .reason = "No record."}}}};
  return study;
}

inline Page example_page(int studies, int points) {
  Page page{.title = "gemmetry: an example", .lead = "Made-up numbers that show what the page does."};
  page.facts.columns = {{.key = "gpu", .heading = "GPU"},
                        {.key = "records", .heading = "records"},
                        {.key = "peak", .heading = "peak", .unit = Unit::flop_per_s}};
  page.facts.rows = {{{std::string("H200")}, {std::int64_t{32478}}, {989e12}}};
  for (int i = 0; i < studies; ++i) page.studies.push_back(example_study(i, points));
  page.sections.push_back({"operators", "Operators of a model", List{example_table(example_chart(Mark::line, 4))}});
  page.sections.push_back(
      {"waves", "Waves", Picture{"wave 1       ■■■■■■■  7 of 7 SMs\nwave 2       ■■■····  3 of 7 SMs\n"}});
  return page;
}

}  // namespace gemmetry::report
