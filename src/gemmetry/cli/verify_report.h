#pragma once

#include <string>
#include <vector>

#include "gemmetry/cli/verify_cell.h"
#include "gemmetry/report/document.h"
#include "gemmetry/report/text.h"

namespace gemmetry::cli {

/// What cells show: the table, heatmaps of each setting and rate that has several shapes, how they compare with the
/// published heatmap and with what theory says, and serving by share of deterministic requests where it was measured.
std::vector<report::Section> verify_sections(const std::vector<VerifyCell>& cells, const report::TextStyle& style);

}  // namespace gemmetry::cli
