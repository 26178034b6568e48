#pragma once

#include <vector>

#include "gemmetry/calibrate/judgement.h"
#include "gemmetry/report/table.h"

namespace gemmetry::cli {

/// A row a record for whoever fits more: the operator's fields, how it was measured, class, site, measured, predicted
/// and structured time, the library's and the predicted algorithm, and every feature of predict/features.h as
/// "feature.NAME". Refers to the predictors.
std::vector<report::Column<calibrate::Judgement>> sample_columns(calibrate::Predictors& predictors);

}  // namespace gemmetry::cli
