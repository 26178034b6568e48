#pragma once

#include <vector>

#include "gemmetry/op/cost_model.h"
#include "gemmetry/predict/predictor.h"
#include "gemmetry/report/document.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::cli {

/// The field table of a model: sizes and parameters.
const std::vector<report::Column<shape::Model>>& model_columns();

// What an answer is about, as the first sections of its document: "model", "workload", "gpu".
report::Section model_section(const shape::Model& model);
report::Section workload_section(const shape::Workload& workload);
report::Section gpu_section(const predict::Predictor& predictor);

report::Interval interval(const op::Interval& interval);
report::Interval interval(const op::Ratio& ratio);
report::Interval interval(const op::Cost& cost);  ///< of its time

}  // namespace gemmetry::cli
