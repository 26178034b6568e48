#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gemmetry/study/study.h"

namespace gemmetry::study {

/// The formulas that a point of the series evaluates one by one, over the values of its axes: first the series' own for
/// an axis; then the study's, the series' own in the place of one of the same name; what only the series has, right
/// before its first use, or at the end.
std::vector<std::pair<std::string, Expression>> assignments(const Study& study, const Series& series);

/// The names that formulas of the series may use. Error naming the first formula that uses one it must not, with the
/// nearest that it may.
std::vector<std::string> checked_names(const Study& study, const Series& series);

/// Whether the study sweeps that name.
bool is_axis(const Study& study, std::string_view name);

}  // namespace gemmetry::study
