#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gemmetry/report/chart.h"
#include "gemmetry/report/text.h"

// A chart of Mark::heatmap: panels in bands, in each a grid of cells by x and row, the colour of a cell its y.

namespace gemmetry::report {

/// The distinct rows, panels and bands of a heatmap's lines, in their order.
std::vector<std::string> distinct_cells(const Chart& chart, std::string Cells::*place);

/// The part of a Vega-Lite specification that says how rows of the data set "points" are drawn: its "facet" or the
/// drawing itself. A row has, beside what to_vega_lite states, row, panel and band.
nlohmann::ordered_json heatmap_spec(const Chart& chart);

/// The heatmap in characters: a grid of numbers for each panel, side by side as many as fit; with colours each number
/// on a shade of its own. "×" is a missing point.
std::string to_heatmap(const Chart& chart, const TextStyle& style);

}  // namespace gemmetry::report
