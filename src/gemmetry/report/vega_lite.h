#pragma once

#include <nlohmann/json.hpp>

#include "gemmetry/report/chart.h"

namespace gemmetry::report {

enum class Theme { light, dark };

/// Whom a specification is for.
struct SpecOptions {
  Theme theme = Theme::light;
  bool whole = true;  ///< with data, colours, size and legend; false: the page adds these
};

/// A Vega-Lite 6 specification. A row of its data set "points" has id, line, colour, style, row, panel, band, x, y,
/// low, high, shown, note and symbol (whether the point's symbol is drawn); x and y are in the axes' units. Signals:
/// `hidden`, the labels of lines that are not drawn, and `picked`, the id of the row that stands out.
nlohmann::ordered_json to_vega_lite(const Chart& chart, const SpecOptions& options = {});

/// Vega's configuration for a theme: symbols, and colours that can be told apart without colour vision too.
nlohmann::ordered_json vega_config(Theme theme);

/// The dashes of the first, second, ... style.
nlohmann::ordered_json vega_dashes();

}  // namespace gemmetry::report
