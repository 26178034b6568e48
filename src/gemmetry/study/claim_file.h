#pragma once

#include <string>
#include <vector>

#include "gemmetry/base/json.h"
#include "gemmetry/study/claim.h"

namespace gemmetry::study {

/// The names that formulas over points of a series may use.
struct SeriesNames {
  std::string label;
  std::vector<std::string> names;
};

/// Reads the key "claims" of a study. Error naming source, key, value and fix, also for a condition that no points
/// could meet, or that all would.
std::vector<Claim> claims_from_json(const JsonObject& study, const std::vector<SeriesNames>& series);

}  // namespace gemmetry::study
