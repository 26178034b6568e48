#pragma once

#include <string>
#include <vector>

#include "gemmetry/cli/study_answer.h"
#include "gemmetry/report/chart.h"
#include "gemmetry/report/text.h"

namespace gemmetry::cli {

/// The study's chart with a line for each device, series and colour.
report::Chart chart_of(const study::Study& study, const std::vector<StudyAnswer>& answers);

/// The chart's lines of the first series, in characters: of all there would be too many for a terminal. A heatmap
/// whole.
std::string plot_of(const study::Study& study, const std::vector<StudyAnswer>& answers, const report::TextStyle& style);

/// What a quantity counts, in SI.
report::Unit unit_of(study::Quantity quantity);

}  // namespace gemmetry::cli
