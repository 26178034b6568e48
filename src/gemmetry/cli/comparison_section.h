#pragma once

#include "gemmetry/cli/comparison.h"
#include "gemmetry/cli/measuring_session.h"
#include "gemmetry/measure/recordings.h"
#include "gemmetry/report/document.h"

namespace gemmetry::cli {

/// Measures what was explained, with progress on a terminal; Ctrl-C ends it after the operator that is being measured.
Comparison compare_on_device(const Explanation& explained, MeasuringSession& session, const Console& console);

/// Lays the records at a setting beside what was explained.
Comparison compare_with_recordings(const Explanation& explained, const measure::Recordings& recordings,
                                   const measure::Setting& setting);

/// The sections "operators", predicted beside measured, and "comparison", their sums.
std::vector<report::Section> comparison_sections(const Comparison& comparison, bool one_layer);

}  // namespace gemmetry::cli
