#pragma once

#include "gemmetry/base/json.h"
#include "gemmetry/study/study.h"

namespace gemmetry::study {

/// Reads the key "chart" of a study whose operator or model and baseline are read. Error naming source, key, value and
/// fix. Names in formulas are the caller's to check.
Chart chart_from_json(const JsonObject& object, const Study& study);

}  // namespace gemmetry::study
