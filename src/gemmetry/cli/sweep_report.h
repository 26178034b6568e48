#pragma once

#include <vector>

#include "gemmetry/cli/device_section.h"
#include "gemmetry/cli/measuring_session.h"
#include "gemmetry/measure/sweep.h"
#include "gemmetry/report/document.h"

namespace gemmetry::cli {

/// Measures the operators with progress on a terminal; Ctrl-C ends the sweep after the operator that is being measured.
measure::SweepSummary run_sweep(MeasuringSession& session, const MeasuringOptions& options,
                                const std::vector<op::Operator>& ops, const Console& console);

/// What became of a sweep: the section "sweep".
report::Section sweep_section(const measure::SweepSummary& summary, const std::string& database);

}  // namespace gemmetry::cli
