#include "gemmetry/report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

namespace gemmetry::report {
namespace {

using nlohmann::ordered_json;

/// So many symbols along a line tell it from others without hiding its course.
constexpr std::size_t symbols_a_line = 20;

AxisScale axis_scale(const Axis& axis, double largest) {
  AxisScale found{scale_of(largest, axis.unit), axis.title};
  if (!found.scale.name.empty()) found.title += fmt::format(" ({})", found.scale.name);
  return found;
}

double largest(const Chart& chart, const std::function<double(const ChartPoint&)>& number) {
  double most = 0;
  for (const ChartLine& line : chart.lines)
    for (const ChartPoint& point : line.points) most = std::max(most, std::abs(number(point)));
  return most;
}

std::vector<std::string> distinct(const Chart& chart, const std::function<const std::string&(const ChartLine&)>& text) {
  std::vector<std::string> all;
  for (const ChartLine& line : chart.lines)
    if (std::find(all.begin(), all.end(), text(line)) == all.end()) all.push_back(text(line));
  return all;
}

/// Which of the neighbours [begin, end) stay: the lowest, the highest and the first that is missing.
void keep_ends(const std::vector<ChartPoint>& points, std::size_t begin, std::size_t end,
               std::vector<ChartPoint>& kept) {
  std::size_t low = end, high = end, missing = end;
  for (std::size_t i = begin; i < end; ++i) {
    if (!points[i].y) {
      if (missing == end) missing = i;
      continue;
    }
    if (low == end || *points[i].y < *points[low].y) low = i;
    if (high == end || *points[i].y > *points[high].y) high = i;
  }
  for (std::size_t i = begin; i < end; ++i)
    if (i == low || i == high || i == missing) kept.push_back(points[i]);
}

/// Whole numbers without a point, and no more digits than `digits`.
ordered_json short_number(double number, int digits) {
  if (!std::isfinite(number)) return nullptr;
  const double rounded = std::stod(fmt::format("{:.{}g}", number, digits));
  if (rounded == std::floor(rounded) && std::abs(rounded) < 1e15) return static_cast<std::int64_t>(rounded);
  return rounded;
}

ordered_json column(const ChartLine& line, const std::function<std::optional<double>(const ChartPoint&)>& number,
                    double size, int digits) {
  ordered_json numbers = ordered_json::array();
  for (const ChartPoint& point : line.points) {
    const std::optional<double> value = number(point);
    numbers.push_back(value ? short_number(*value / size, digits) : ordered_json(nullptr));
  }
  return numbers;
}

bool has_interval(const ChartLine& line) {
  return std::any_of(line.points.begin(), line.points.end(),
                     [](const ChartPoint& point) { return point.low && point.high; });
}

}  // namespace

AxisScale x_scale(const Chart& chart) {
  return axis_scale(chart.x, largest(chart, [](const ChartPoint& point) { return point.x; }));
}

AxisScale y_scale(const Chart& chart) {
  return axis_scale(chart.y, largest(chart, [](const ChartPoint& point) { return point.y.value_or(0); }));
}

const std::string& colour_of(const ChartLine& line) { return line.colour.empty() ? line.label : line.colour; }

std::vector<std::string> colours(const Chart& chart) { return distinct(chart, colour_of); }

std::vector<std::string> styles(const Chart& chart) {
  return distinct(chart, [](const ChartLine& line) -> const std::string& { return line.style; });
}

std::size_t symbol_step(const ChartLine& line, Mark mark) {
  return mark == Mark::line ? (line.points.size() + symbols_a_line - 1) / symbols_a_line : 1;
}

Chart thinned(Chart chart, std::size_t most) {
  for (ChartLine& line : chart.lines) {
    const std::size_t count = line.points.size();
    if (count <= most) continue;
    const std::size_t groups = std::max<std::size_t>(most / 2, 2);
    std::vector<ChartPoint> kept;
    for (std::size_t group = 0; group < groups; ++group)
      keep_ends(line.points, group * count / groups, (group + 1) * count / groups, kept);
    line.points = std::move(kept);
  }
  return chart;
}

ordered_json compact_data(const Chart& chart) {
  const double x_size = x_scale(chart).scale.size;
  const double y_size = y_scale(chart).scale.size;
  ordered_json notes = ordered_json::array(), lines = ordered_json::array();
  std::map<std::string, std::size_t> place;
  for (const ChartLine& line : chart.lines) {
    ordered_json out{{"label", line.label}, {"colour", colour_of(line)}, {"style", line.style}};
    if (chart.mark == Mark::heatmap) {
      out["row"] = line.cells.row;
      out["panel"] = line.cells.panel;
      out["band"] = line.cells.band;
    }
    out["step"] = symbol_step(line, chart.mark);
    out["x"] = column(
        line, [](const ChartPoint& point) { return std::optional(point.x); }, x_size, 12);
    out["y"] = column(
        line, [](const ChartPoint& point) { return point.y; }, y_size, 5);
    if (has_interval(line)) {
      out["low"] = column(
          line, [](const ChartPoint& point) { return point.low; }, y_size, 5);
      out["high"] = column(
          line, [](const ChartPoint& point) { return point.high; }, y_size, 5);
    }
    ordered_json& note = out["note"] = ordered_json::array();
    for (const ChartPoint& point : line.points) {
      const auto [found, is_new] = place.try_emplace(point.note, place.size());
      if (is_new) notes.push_back(point.note);
      note.push_back(found->second);
    }
    lines.push_back(std::move(out));
  }
  return {{"notes", std::move(notes)}, {"lines", std::move(lines)}};
}

}  // namespace gemmetry::report
