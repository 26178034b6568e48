#pragma once

#include <vector>

#include "gemmetry/cli/explanation.h"
#include "gemmetry/report/document.h"

namespace gemmetry::cli {

/// Each operator of an explanation with its cost and why: the section "operators".
report::Section operators_section(const Explanation& explained, bool one_layer);

/// A picture of the waves of each distinct product among them.
std::vector<report::Section> wave_sections(const Explanation& explained, const predict::Predictor& predictor);

}  // namespace gemmetry::cli
