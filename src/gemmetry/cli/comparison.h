#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/cli/explanation.h"
#include "gemmetry/op/cost_model.h"

namespace gemmetry::cli {

/// An operator's predicted cost beside its measured one.
struct ComparedOperator {
  ExplainedOperator explained;
  std::optional<op::Cost> measured;
  std::string how;  ///< the algorithm that was measured, or why nothing was
};

/// All operators of an explanation, predicted and measured.
struct Comparison {
  std::vector<ComparedOperator> operators;
  std::size_t measured = 0;     ///< operators that were
  double predicted_time_s = 0;  ///< of those, by their counts
  double measured_time_s = 0;   ///< likewise
  double median_error = 0;      ///< of those, |predicted / measured - 1|
  double mean_error = 0;
};

/// Measures every operator that was explained. `before(done, all)` is called before each, and ends the comparison with
/// what there is when it gives false. An operator that cannot be measured is kept with the reason.
Comparison compare(const Explanation& explained, const op::CostModel& measured,
                   const std::function<bool(std::size_t done, std::size_t all)>& before);

}  // namespace gemmetry::cli
