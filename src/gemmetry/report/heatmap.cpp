#include "gemmetry/report/heatmap.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace gemmetry::report {
namespace {

using nlohmann::ordered_json;

constexpr int cell_width = 44, cell_height = 26;  // pixels
constexpr int text_cell = 5;                      // characters, the blank before it included
constexpr int default_width = 100;

ordered_json nominal(const char* field) { return {{"field", field}, {"type", "nominal"}, {"sort", nullptr}}; }

/// Dark is fast, as in LoRA's figure 5; numbers are legible on every shade.
ordered_json layers(const Chart& chart) {
  const ordered_json x{
      {"field", "x"}, {"type", "ordinal"}, {"title", x_scale(chart).title}, {"axis", {{"labelAngle", 0}}}};
  ordered_json y = nominal("row");
  y["title"] = chart.row_title;
  y["scale"] = {{"domain", distinct_cells(chart, &Cells::row)}};
  const ordered_json tooltip{{{"field", "line"}, {"type", "nominal"}, {"title", "cells"}},
                             {{"field", "x"}, {"type", "ordinal"}, {"title", chart.x.title}},
                             {{"field", "shown"}, {"type", "nominal"}, {"title", chart.y.title}},
                             {{"field", "note"}, {"type", "nominal"}, {"title", "note"}}};
  const ordered_json colour{{"field", "y"},
                            {"type", "quantitative"},
                            {"title", y_scale(chart).title},
                            {"scale", {{"scheme", "magma"}, {"domainMin", 0}}}};
  const AxisScale scale = y_scale(chart);
  double most = 0;
  for (const ChartLine& line : chart.lines)
    for (const ChartPoint& point : line.points) most = std::max(most, point.y.value_or(0) / scale.scale.size);
  const ordered_json on_shade{{"condition", {{"test", fmt::format("datum.y > {}", 0.6 * most)}, {"value", "#000000"}}},
                              {"value", "#ffffff"}};
  const ordered_json outline{{"condition", {{"test", "datum.id === picked"}, {"value", 3}}}, {"value", 0}};
  return {{{"transform", {{{"filter", "isValid(datum.y)"}}}},
           {"mark", {{"type", "rect"}}},
           {"encoding",
            {{"x", x},
             {"y", y},
             {"color", colour},
             {"stroke", {{"value", "#22aaff"}}},
             {"strokeWidth", outline},
             {"tooltip", tooltip}}}},
          {{"transform", {{{"filter", "isValid(datum.y)"}}}},
           {"mark", {{"type", "text"}, {"fontSize", 11}}},
           {"encoding",
            {{"x", x},
             {"y", y},
             {"text", {{"field", "y"}, {"type", "quantitative"}, {"format", ".1f"}}},
             {"color", on_shade}}}},
          {{"transform", {{{"filter", "!isValid(datum.y)"}}}},
           {"mark", {{"type", "text"}, {"text", "✕"}, {"fontWeight", "bold"}}},
           {"encoding", {{"x", x}, {"y", y}, {"tooltip", tooltip}}}}};
}

// In characters.

/// A number in four characters.
std::string cell_text(double number) {
  const double size = std::abs(number);
  return size < 99.95 ? fmt::format("{:.1f}", number) : fmt::format("{:.0f}", number);
}

/// One of 256 terminal colours, from black over purple to pale orange, with a text that is legible on it.
std::string shaded(const std::string& text, double share) {
  constexpr std::array<int, 8> shades{16, 17, 54, 90, 126, 167, 209, 223};
  const auto at = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * (shades.size() - 1) + 0.5);
  return fmt::format("\033[48;5;{}m\033[38;5;{}m{}\033[0m", shades[at], at < 6 ? 231 : 16, text);
}

/// The cells of one panel.
class Panel {
 public:
  Panel(const Chart& chart, const std::string& band, const std::string& name) : name_(name) {
    const AxisScale scale = y_scale(chart);
    for (const ChartLine& line : chart.lines) {
      if (line.cells.band != band || line.cells.panel != name) continue;
      for (const ChartPoint& point : line.points)
        cells_[{line.cells.row, point.x}] = point.y ? std::optional(*point.y / scale.scale.size) : std::nullopt;
    }
  }

  bool empty() const { return cells_.empty(); }
  const std::string& name() const { return name_; }

  /// The row's cells at those x; blank where the panel has none.
  std::string line(const std::string& row, const std::vector<double>& xs, double most, bool colour) const {
    std::string text;
    for (const double x : xs) {
      const auto found = cells_.find({row, x});
      const std::string cell = found == cells_.end() ? "" : found->second ? cell_text(*found->second) : "×";
      const std::string padded = fmt::format("{:>{}}", cell, text_cell);
      text +=
          colour && found != cells_.end() && found->second && most > 0 ? shaded(padded, *found->second / most) : padded;
    }
    return text;
  }

 private:
  std::string name_;
  std::map<std::pair<std::string, double>, std::optional<double>> cells_;
};

std::string without_end_blanks(std::string line) {
  while (line.ends_with(' ')) line.pop_back();
  return line + "\n";
}

/// What all panels share.
struct Grid {
  std::vector<std::string> rows;
  std::vector<double> xs;
  double most = 0;         ///< largest number, in the unit shown
  std::size_t margin = 0;  ///< for the rows' names
  bool colour = false;

  /// Panels side by side.
  std::string drawn(const std::vector<Panel>& panels, const std::string& corner) const {
    const std::size_t width = xs.size() * text_cell;
    std::string head = std::string(margin, ' '), ticks = fmt::format("{:>{}}", corner, margin);
    for (const Panel& panel : panels) {
      head += fmt::format("  {:<{}}", panel.name(), width);
      ticks += "  ";
      for (const double x : xs) ticks += fmt::format("{:>{}g}", x, text_cell);
    }
    std::string text = without_end_blanks(head) + without_end_blanks(ticks);
    for (const std::string& row : rows) {
      std::string line = fmt::format("{:>{}}", row, margin);
      for (const Panel& panel : panels) line += "  " + panel.line(row, xs, most, colour);
      text += without_end_blanks(line);
    }
    return text;
  }
};

Grid grid_of(const Chart& chart, bool colour) {
  Grid grid{.rows = distinct_cells(chart, &Cells::row), .colour = colour};
  std::set<double> xs;
  const double size = y_scale(chart).scale.size;
  for (const ChartLine& line : chart.lines)
    for (const ChartPoint& point : line.points) {
      xs.insert(point.x);
      grid.most = std::max(grid.most, point.y.value_or(0) / size);
    }
  grid.xs.assign(xs.begin(), xs.end());
  grid.margin = display_width(chart.row_title);
  for (const std::string& row : grid.rows) grid.margin = std::max(grid.margin, display_width(row));
  return grid;
}

}  // namespace

std::vector<std::string> distinct_cells(const Chart& chart, std::string Cells::*place) {
  std::vector<std::string> all;
  for (const ChartLine& line : chart.lines)
    if (std::find(all.begin(), all.end(), line.cells.*place) == all.end()) all.push_back(line.cells.*place);
  return all;
}

ordered_json heatmap_spec(const Chart& chart) {
  ordered_json drawing{
      {"width", {{"step", cell_width}}}, {"height", {{"step", cell_height}}}, {"layer", layers(chart)}};
  ordered_json facet = ordered_json::object();
  const auto add = [&](const char* where, const char* field, std::string Cells::*place) {
    const std::vector<std::string> names = distinct_cells(chart, place);
    if (names.size() < 2 && (names.empty() || names.front().empty())) return;
    facet[where] = nominal(field);
    facet[where]["header"] = {{"title", nullptr}};
    facet[where]["sort"] = names;
  };
  add("row", "band", &Cells::band);
  add("column", "panel", &Cells::panel);
  if (facet.empty()) return drawing;
  return {{"facet", std::move(facet)}, {"spec", std::move(drawing)}};
}

std::string to_heatmap(const Chart& chart, const TextStyle& style) {
  if (chart.lines.empty()) return "";
  const Grid grid = grid_of(chart, style.colour);
  const std::size_t width = static_cast<std::size_t>(style.width > 0 ? style.width : default_width);
  const std::size_t panel_width = grid.xs.size() * text_cell + 2;
  const std::size_t together = std::max<std::size_t>(1, (std::max(width, grid.margin) - grid.margin) / panel_width);
  std::string text = chart.title.empty() ? "" : chart.title + "\n";
  text += fmt::format("{} by {}\n", y_scale(chart).title, x_scale(chart).title);
  for (const std::string& band : distinct_cells(chart, &Cells::band)) {
    text += "\n" + (band.empty() ? "" : band + "\n");
    std::vector<Panel> panels;
    for (const std::string& name : distinct_cells(chart, &Cells::panel))
      if (Panel panel(chart, band, name); !panel.empty()) panels.push_back(std::move(panel));
    for (std::size_t first = 0; first < panels.size(); first += together) {
      const auto begin = panels.begin() + static_cast<std::ptrdiff_t>(first);
      const auto end = begin + static_cast<std::ptrdiff_t>(std::min(together, panels.size() - first));
      text += grid.drawn({begin, end}, chart.row_title);
    }
  }
  return text;
}

}  // namespace gemmetry::report
