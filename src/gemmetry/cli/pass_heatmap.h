#pragma once

#include <string>
#include <vector>

#include "gemmetry/report/chart.h"
#include "gemmetry/report/document.h"
#include "gemmetry/report/text.h"
#include "gemmetry/run/verify/pass_shape.h"

namespace gemmetry::cli {

/// A number of one shape of passes.
struct PassCell {
  run::PassShape shape;
  double value = 0;
};

/// Batches from the largest down by windows from the smallest up, as the published heatmap has them.
report::Chart pass_heatmap(report::Axis y, const std::vector<PassCell>& cells);

/// The same in characters.
report::Section pass_picture(const std::string& title, report::Axis y, const std::vector<PassCell>& cells,
                             const report::TextStyle& style);

}  // namespace gemmetry::cli
