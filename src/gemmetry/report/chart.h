#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/report/number.h"

namespace gemmetry::report {

enum class Mark { line, points, bars, heatmap };

/// One axis of a chart. Its numbers are SI; the chart scales them for the eye and writes the unit behind the title.
struct Axis {
  std::string title;
  Unit unit = Unit::none;
  bool log = false;
};

/// One place of a line. Without y it is missing: shown as a gap and a mark at the bottom, never as 0.
struct ChartPoint {
  double x = 0;
  std::optional<double> y;
  std::optional<double> low, high;  ///< ends of the interval
  std::string note;                 ///< in the tooltip; of a missing point: why
};

/// Where a line of a heatmap lies: it is a row of cells, one for each of its points.
struct Cells {
  std::string row;    ///< on the vertical axis of its panel
  std::string panel;  ///< panels of one value stand below each other
  std::string band;   ///< panels of one value stand side by side
};

/// Points that belong together, by rising x.
struct ChartLine {
  std::string label;   ///< one of its kind within the chart
  std::string colour;  ///< lines of one value share colour and symbol; empty: the label
  std::string style;   ///< lines of one value share their dashes, as "measured" and "predicted"
  Cells cells = {};    ///< of a heatmap
  std::vector<ChartPoint> points;
};

/// A chart as plain data: drawn by Vega-Lite, on a terminal, or on the page.
struct Chart {
  std::string title;
  Axis x, y;
  Mark mark = Mark::line;
  std::string colour_title;  ///< what the lines' colours tell apart
  std::string row_title;     ///< of a heatmap: what its rows are
  std::vector<ChartLine> lines;
};

/// The axis's title with the unit its numbers are shown in: "time (µs)".
struct AxisScale {
  Scale scale;
  std::string title;
};

AxisScale x_scale(const Chart& chart);
AxisScale y_scale(const Chart& chart);

/// What the line shares its colour and symbol with.
const std::string& colour_of(const ChartLine& line);

/// The distinct colours (styles) of the lines, in their order.
std::vector<std::string> colours(const Chart& chart);
std::vector<std::string> styles(const Chart& chart);

/// Every so many-th point of the line has its symbol drawn.
std::size_t symbol_step(const ChartLine& line, Mark mark);

/// The chart with at most about `most` points a line. Of neighbours the lowest, the highest and one that is missing
/// are kept, so that cliffs, saw-teeth and gaps stay; `most` is at least 4.
Chart thinned(Chart chart, std::size_t most);

/// The lines as columns for the page: numbers in the unit of the axes, y with five digits; each text once.
nlohmann::ordered_json compact_data(const Chart& chart);

}  // namespace gemmetry::report
