#pragma once

#include <vector>

#include "gemmetry/cli/study_answer.h"
#include "gemmetry/report/chart.h"

namespace gemmetry::cli {

/// The study's chart with a line for each device, series and colour.
report::Chart chart_of(const study::Study& study, const std::vector<StudyAnswer>& answers);

/// What a quantity counts, in SI.
report::Unit unit_of(study::Quantity quantity);

}  // namespace gemmetry::cli
