#pragma once

#include <string>
#include <vector>

#include "gemmetry/cli/comparison.h"
#include "gemmetry/cli/measuring_session.h"
#include "gemmetry/measure/execution.h"
#include "gemmetry/report/document.h"

namespace gemmetry::cli {

/// A layer or a model in one piece: the database's record of it, else executed now and stored. Skipped with the reason
/// where it cannot be executed. Throws BackendError when the device is lost.
measure::Execution executed(MeasuringSession& session, const MeasuringOptions& options, const measure::Whole& whole);

/// What was recorded of a whole on that GPU; skipped with the reason where nothing was.
measure::Execution recorded_execution(const std::string& gpu, const measure::Whole& whole,
                                      const measure::Setting& setting);

/// What an explanation is executed as: one layer or the whole model.
measure::Whole whole_of(const shape::Model& model, const shape::Workload& workload, bool one_layer);

/// The section "executed": the whole beside the sums of its operators, predicted and measured, by module too.
std::vector<report::Section> executed_sections(const Comparison& comparison, const measure::Execution& execution);

}  // namespace gemmetry::cli
