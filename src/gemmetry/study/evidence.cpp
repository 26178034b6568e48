#include "gemmetry/study/evidence.h"

#include <map>
#include <utility>

#include "gemmetry/measure/statistics.h"

namespace gemmetry::study {

Samples Evidence::of(const Selection& selection) const {
  Samples samples;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Point& point = points[i];
    if (!selection.series.empty() && study.series.at(point.series).label != selection.series) continue;
    if (selection.where && selection.where->value(point.variables) == 0) continue;
    const Outcome& outcome = outcomes.at(i);
    if (const std::optional<double> y = outcome.y(study.chart.y, point.tokens)) {
      samples.known.push_back({&point, *y, *outcome.time_s});
    } else {
      ++samples.missing;
      if (samples.why.empty()) samples.why = outcome.how;
    }
  }
  if (samples.known.size() < samples.missing) {
    samples.scattered = samples.known.size();
    samples.known.clear();
  }
  return samples;
}

std::vector<std::vector<Sample>> by_line(const std::vector<Sample>& samples) {
  std::map<std::pair<std::size_t, LineKey>, std::vector<Sample>> lines;
  for (const Sample& sample : samples) lines[{sample.point->series, line_key(*sample.point)}].push_back(sample);
  std::vector<std::vector<Sample>> result;
  for (auto& [key, line] : lines) result.push_back(std::move(line));
  return result;
}

std::vector<Line> lines_of(const std::vector<Sample>& samples) {
  std::vector<Line> lines;
  for (const std::vector<Sample>& all : by_line(samples)) {
    std::map<std::int64_t, std::vector<Sample>> stops;
    for (const Sample& sample : all) stops[sample.point->x].push_back(sample);
    if (stops.size() < 2) continue;
    Line& line = lines.emplace_back();
    for (const auto& [x, here] : stops) line.push_back({measure::median(ys(here)), here.front().point});
  }
  return lines;
}

std::vector<double> ys(const std::vector<Sample>& samples) {
  std::vector<double> result;
  result.reserve(samples.size());
  for (const Sample& sample : samples) result.push_back(sample.y);
  return result;
}

std::string_view quantity_name(Quantity quantity) {
  switch (quantity) {
    case Quantity::tflops:
      return "throughput";
    case Quantity::time:
      return "time";
    case Quantity::bandwidth:
      return "bandwidth";
    case Quantity::time_per_token:
      return "time per token";
    case Quantity::slowdown:
      return "time over the baseline's";
    case Quantity::share:
      return "share of the time";
  }
  return "?";
}

bool is_time(Quantity quantity) { return quantity != Quantity::tflops && quantity != Quantity::bandwidth; }

}  // namespace gemmetry::study
