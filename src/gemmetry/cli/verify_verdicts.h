#pragma once

#include <string>
#include <vector>

#include "gemmetry/cli/verify_cell.h"
#include "gemmetry/report/value.h"

namespace gemmetry::cli {

/// What a heatmap says of one statement.
struct VerifyVerdict {
  std::string claim;
  std::string standing;  ///< "holds", "does not hold", "unknown"
  std::string merit;     ///< the numbers that decided

  report::Tone tone() const;
};

/// Of verified cells of one setting, rate and share: growth as p (W - 1) / 2, saturation at the answers' length, a weak
/// effect of the batch, the closed form, U-shaped total time, and what was predicted. Unknown where cells are missing.
std::vector<VerifyVerdict> verify_verdicts(const std::vector<VerifyCell>& cells);

}  // namespace gemmetry::cli
