#include "gemmetry/cli/pass_heatmap.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "gemmetry/report/heatmap.h"

namespace gemmetry::cli {

report::Chart pass_heatmap(report::Axis y, const std::vector<PassCell>& cells) {
  report::Chart chart;
  chart.x = {"window", report::Unit::none, true};
  chart.y = std::move(y);
  chart.mark = report::Mark::heatmap;
  chart.row_title = "batch";
  std::map<std::int64_t, report::ChartLine, std::greater<>> rows;
  for (const PassCell& cell : cells) {
    report::ChartLine& row = rows[cell.shape.batch];
    row.label = fmt::format("batch {}", cell.shape.batch);
    row.cells.row = fmt::format("{}", cell.shape.batch);
    report::ChartPoint& point = row.points.emplace_back();
    point.x = static_cast<double>(cell.shape.window);
    point.y = cell.value;
  }
  for (auto& [batch, row] : rows) {
    std::sort(row.points.begin(), row.points.end(),
              [](const report::ChartPoint& a, const report::ChartPoint& b) { return a.x < b.x; });
    chart.lines.push_back(std::move(row));
  }
  return chart;
}

report::Section pass_picture(const std::string& title, report::Axis y, const std::vector<PassCell>& cells,
                             const report::TextStyle& style) {
  return {"", title, report::Picture{report::to_heatmap(pass_heatmap(std::move(y), cells), style)}};
}

}  // namespace gemmetry::cli
