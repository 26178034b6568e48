#include "gemmetry/cli/study_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "gemmetry/report/plot.h"

namespace gemmetry::cli {
namespace {

report::Mark mark_of(study::Mark mark) {
  switch (mark) {
    case study::Mark::line:
      return report::Mark::line;
    case study::Mark::points:
      return report::Mark::points;
    case study::Mark::bars:
      return report::Mark::bars;
    case study::Mark::heatmap:
      return report::Mark::heatmap;
  }
  return report::Mark::line;
}

std::string y_title(study::Quantity quantity) {
  switch (quantity) {
    case study::Quantity::tflops:
      return "throughput";
    case study::Quantity::time:
      return "time";
    case study::Quantity::bandwidth:
      return "bandwidth";
    case study::Quantity::time_per_token:
      return "time per token";
    case study::Quantity::slowdown:
      return "slow-down";
    case study::Quantity::share:
      return "share of the time";
  }
  return "";
}

/// y in SI from the chart's unit.
double si(study::Quantity quantity, double y) {
  if (quantity == study::Quantity::slowdown) return y - 1;  // what is beyond 1
  return quantity == study::Quantity::tflops ? y * 1e12 : y;
}

bool is_ratio(study::Quantity quantity) {
  return quantity == study::Quantity::slowdown || quantity == study::Quantity::share;
}

/// A point as it is drawn. The interval of a rate turns that of the time around.
report::ChartPoint drawn(const study::Study& study, const study::Point& point, const study::Outcome& outcome) {
  report::ChartPoint result{.x = static_cast<double>(point.x), .y = {}, .low = {}, .high = {}, .note = outcome.how};
  const std::optional<double> y = outcome.y(study.chart.y, point.tokens);
  if (!y) return result;
  result.y = si(study.chart.y, *y);
  if (is_ratio(study.chart.y)) {
    result.low = si(study.chart.y, outcome.slowdown->low);
    result.high = si(study.chart.y, outcome.slowdown->high);
    return result;
  }
  if (outcome.time_low_s <= 0 || outcome.time_high_s <= 0) return result;
  const bool rate = study.chart.y == study::Quantity::tflops || study.chart.y == study::Quantity::bandwidth;
  result.low = *result.y * (rate ? *outcome.time_s / outcome.time_high_s : outcome.time_low_s / *outcome.time_s);
  result.high = *result.y * (rate ? *outcome.time_s / outcome.time_low_s : outcome.time_high_s / *outcome.time_s);
  return result;
}

/// The words of those that are not empty, with commas.
std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    if (!word.empty()) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// "sequence 128".
std::string panel_text(const study::Study& study, std::int64_t panel) {
  return study.chart.panel ? fmt::format("{} {}", study.chart.panel_title, panel) : "";
}

}  // namespace

report::Unit unit_of(study::Quantity quantity) {
  switch (quantity) {
    case study::Quantity::tflops:
      return report::Unit::flop_per_s;
    case study::Quantity::bandwidth:
      return report::Unit::bytes_per_s;
    case study::Quantity::time:
    case study::Quantity::time_per_token:
      return report::Unit::seconds;
    case study::Quantity::slowdown:
    case study::Quantity::share:
      return report::Unit::fraction;
  }
  return report::Unit::none;
}

report::Chart chart_of(const study::Study& study, const std::vector<StudyAnswer>& answers) {
  report::Chart chart;
  chart.title = study.title;
  chart.x = {study.chart.x_title.empty() ? study.chart.x : study.chart.x_title, report::Unit::none, study.chart.log_x};
  chart.y = {y_title(study.chart.y), unit_of(study.chart.y), study.chart.log_y};
  chart.mark = mark_of(study.chart.mark);
  chart.row_title = study.chart.row_title;
  const bool coloured = study.chart.color.has_value();
  if (coloured)
    chart.colour_title = study.chart.color_title.empty() ? study.chart.color->text() : study.chart.color_title;
  const std::string no_word;
  for (const StudyAnswer& answer : answers) {
    std::map<std::pair<std::size_t, study::LineKey>, report::ChartLine> lines;
    for (std::size_t i = 0; i < answer.points.size(); ++i) {
      const study::Point& point = answer.points[i];
      report::ChartLine& line = lines[{point.series, study::line_key(point)}];
      line.points.push_back(drawn(study, point, answer.outcomes[i]));
    }
    for (auto& [place, line] : lines) {
      const std::string series = study.series.size() > 1 ? study.series[place.first].label : no_word;
      const std::string device = answers.size() > 1 ? answer.device : no_word;
      const auto [color_value, panel_value, row_value] = place.second;
      const std::string color = coloured ? fmt::format("{}", color_value) : no_word;
      line.colour = coloured ? color : series;
      line.style = coloured ? joined({device, series}) : device;
      line.label = joined({device, series, color});
      if (study.chart.row) {
        line.cells = {fmt::format("{}", row_value), panel_text(study, panel_value), joined({device, series})};
        line.label =
            joined({device, series, line.cells.panel, fmt::format("{} {}", study.chart.row_title, line.cells.row)});
      }
      if (line.label.empty()) line.label = study.series.front().label;
      std::stable_sort(line.points.begin(), line.points.end(),
                       [](const report::ChartPoint& a, const report::ChartPoint& b) { return a.x < b.x; });
      chart.lines.push_back(std::move(line));
    }
  }
  return chart;
}

std::string plot_of(const study::Study& study, const std::vector<StudyAnswer>& answers,
                    const report::TextStyle& style) {
  if (study.chart.mark == study::Mark::heatmap) return report::to_plot(chart_of(study, answers), style);
  std::vector<StudyAnswer> first = answers;
  for (StudyAnswer& answer : first) {
    std::size_t count = 0;  // points come series by series
    while (count < answer.points.size() && answer.points[count].series == 0) ++count;
    answer.points.resize(count);
    answer.outcomes.resize(count);
  }
  report::Chart chart = chart_of(study, first);
  if (study.series.size() > 1)
    chart.title += fmt::format(": {}, the first of {} series", study.series.front().label, study.series.size());
  return report::to_plot(chart, style);
}

}  // namespace gemmetry::cli
